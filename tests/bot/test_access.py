"""Who counts as the bot's operator, and what the bot must be allowed to do in a channel."""

from typing import Any

import discord
import pytest

from bot.access import is_operator, require_posting
from bot.refusal import Refusal

ASKER = 5


def team_member(**changes: Any) -> discord.TeamMember:
    """A team member as Discord describes one."""
    user = {"id": str(ASKER), "username": "ada", "discriminator": "0", "avatar": None, "global_name": None}
    payload = {
        "membership_state": 2,
        "permissions": ["*"],
        "team_id": "1",
        "role": "developer",
        "user": user,
        **changes,
    }
    return discord.TeamMember(team=None, state=None, data=payload)  # type: ignore[arg-type]


class Asking:
    """An interaction of a bot that belongs to a team; only what the check reads."""

    def __init__(self, member: discord.TeamMember) -> None:
        class Thing:
            pass

        self.user, self.client = Thing(), Thing()
        self.user.id = ASKER
        self.client.application = Thing()
        self.client.application.team = Thing()
        self.client.application.team.members = [member]


@pytest.mark.parametrize(
    ("changes", "counts"),
    [({}, True), ({"role": "admin"}, True), ({"role": "read_only"}, False), ({"membership_state": 1}, False)],
)
def test_only_those_who_joined_the_team_to_work_are_operators(changes: dict[str, Any], counts: bool) -> None:
    """Somebody merely invited, or with read access, does not run the bot."""
    assert is_operator(Asking(team_member(**changes))) is counts


def test_a_channel_whose_history_cannot_be_read_is_refused_by_name() -> None:
    """Without Read Message History nobody could tell whether a picture was posted already."""
    may = discord.Permissions(view_channel=True, send_messages=True, attach_files=True)
    with pytest.raises(Refusal, match="Read Message History"):
        require_posting(may, in_thread=False)
    may.update(read_message_history=True)
    require_posting(may, in_thread=False)
