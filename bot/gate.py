"""Whether a member may have this drawn here: bans, channels, time on the server, and the bounds on one job.

Everything that becomes a job passes `admit`; commands ask `enter` first, so that a No comes before any work. Declines
to know what has been used today: that is counted where the job is accepted (bot/ledger/quota.py).
"""

from __future__ import annotations

from datetime import timedelta

from bot.language import _
from bot.ledger.allowance import QuotaReached
from bot.ledger.audit import EVERYWHERE
from bot.ledger.bans import Ban
from bot.ledger.facts import Pause
from bot.ledger.governance import Governance
from bot.ledger.job import Caps
from bot.ledger.quota import next_day
from bot.ledger.rows import now
from bot.policy import Applicant, Demand, Elsewhere, Terms, terms
from bot.presenter import plain
from bot.refusal import Refusal
from bot.verdicts import banned, beyond, left_today, quota_refusal, too_new
from flux2.models import MEGAPIXEL, Model


class Gate:
    """Judges applicants of every server."""

    def __init__(self, governance: Governance, caps: Caps, running: int, elsewhere: Elsewhere | None = None) -> None:
        """`caps` and `running` are the operator's own; rules can only tighten them."""
        self._governance = governance
        self._caps = caps
        self._running = running
        self._elsewhere = elsewhere or Elsewhere()

    async def terms(self, applicant: Applicant) -> Terms:
        """What holds for the applicant."""
        operator = await self._governance.rules(EVERYWHERE)
        own = {} if applicant.guild_id is None else await self._governance.rules(applicant.guild_id)
        return terms(applicant, own, operator, self._elsewhere)

    async def offered(self, applicant: Applicant, model: Model) -> Model:
        """A model with the defaults that hold for the applicant."""
        return (await self.terms(applicant)).lowered(model)

    def default_model(self, applicant: Applicant) -> str | None:
        """The model of those who name none there, as far as `terms` has looked at the rules by now."""
        own = {} if applicant.guild_id is None else self._governance.known(applicant.guild_id)
        return terms(applicant, own, self._governance.known(EVERYWHERE), self._elsewhere).usual.default_model

    async def left_today(self, applicant: Applicant) -> str:
        """What the member may still have today, in words; empty where nothing is counted."""
        found = await self.terms(applicant)
        used = await self._governance.usage(applicant.guild_id, applicant.user_id)
        return left_today(found.allowance, used)

    async def require_room(self, applicant: Applicant, demand: Demand) -> None:
        """Refuse more than the terms allow, or than is left of the day's pictures, before anybody is asked to confirm.

        Admission counts again.
        """
        found = await self.terms(applicant)
        require(found, demand)
        used, most = await self._governance.usage(applicant.guild_id, applicant.user_id), found.allowance
        if most.pictures_per_day is not None and used.pictures + demand.count > most.pictures_per_day:
            figures = {"used": used.pictures, "wanted": demand.count, "most": most.pictures_per_day}
            raise quota_refusal(QuotaReached("pictures", **figures, frees_at=next_day(now())))

    async def enter(self, applicant: Applicant) -> Terms:
        """Return what holds for the applicant, by a look at most a second old: a command has yet to be answered.

        Raises Refusal where nothing may be drawn for him here.
        """
        hindrances = await self._governance.hindrances()
        return await self._pass(applicant, hindrances.drain, hindrances.ban_of(applicant.user_id, applicant.guild_id))

    async def _pass(self, applicant: Applicant, drain: Pause | None, ban: Ban | None) -> Terms:
        if drain is not None:
            reason = plain(drain.reason, 200)
            raise Refusal(
                _("I take no new pictures just now ({reason}); try again in a few minutes.").format(reason=reason)
            )
        if ban is not None:
            raise banned(ban)
        self._require_place(applicant)
        found = await self.terms(applicant)
        if not found.is_open:
            raise Refusal(_("Pictures are not drawn in this channel; use one that the admins have opened for it."))
        if found.needs_age_restriction and not applicant.is_age_restricted:
            raise Refusal(_("On this server pictures are drawn in age-restricted channels only; use one of those."))
        _require_time(applicant, found)
        return found

    def _require_place(self, applicant: Applicant) -> None:
        if applicant.guild_id is not None:
            return
        if applicant.is_outside and not self._elsewhere.user_install:
            raise Refusal(_("I draw only on servers I am a member of; ask me there."))
        if not applicant.is_outside and not self._elsewhere.direct_messages:
            raise Refusal(_("I do not draw in direct messages; ask me on a server I am a member of."))

    async def admit(self, applicant: Applicant, demand: Demand) -> tuple[Terms, Caps]:
        """Return what holds for a job, and its caps. Raises Refusal with the limit, its value and what was asked."""
        drain, ban = (
            await self._governance.drain(),
            await self._governance.ban_of(applicant.user_id, applicant.guild_id),
        )
        found = await self._pass(applicant, drain, ban)
        require(found, demand)
        role, most = found.role, self._caps
        return found, Caps(
            per_member=min(most.per_member, role.waiting or most.per_member),
            per_guild=most.per_guild,
            running=None if role.running is None else min(role.running, self._running),
            allowance=found.allowance,
        )


def require(found: Terms, demand: Demand) -> None:
    """Refuse a job that asks for more than its terms allow."""
    if not found.allows_model(demand.model):
        raise Refusal(
            _("You may not draw with {model} on this server; choose another model.").format(
                model=plain(demand.model, 60)
            )
        )
    for name, bound in found.bounds.items():
        asked = getattr(demand, name)
        # A size's megapixels are told to one place: 1024x768, three quarters of one, as 0.8.
        if asked > max(bound.most, round(bound.most, 1)):
            raise beyond(name, bound, asked)


def demand_of(request: object) -> Demand:
    """What a request of any kind asks for; what its kind does not have counts as least."""
    pixels = getattr(request, "width", 0) * getattr(request, "height", 0)
    return Demand(
        model=str(getattr(request, "model", "")),
        # Sizes are snapped to whole blocks, so one megapixel may come out as slightly more.
        megapixels=round(pixels / MEGAPIXEL, 1),
        steps=getattr(request, "num_inference_steps", 1),
        count=getattr(request, "count", 1),
        references=len(getattr(request, "reference_images", ())),
    )


def _require_time(applicant: Applicant, found: Terms) -> None:
    days = found.role.days_on_server
    if not days:
        return
    # A guest has no date: nobody has seen him here before now.
    opens = (applicant.joined_at or now()) + timedelta(days=days)
    if now() < opens:
        raise too_new(days, opens)
