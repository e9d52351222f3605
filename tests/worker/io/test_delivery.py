"""Delivery's Discord, over HTTP to a local one: one message whatever the network does, each refusal told apart."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from sandbox import posting
from sandbox.draft import Draft
from sandbox.faults import Delay, Disconnect, Fail, Fault, TooMany
from sandbox.permissions import Permission
from worker.delivery import Deleted, Discord, NotNow, Refused, TokenRefused, TooLarge
from worker.post import File, Post

POST_MESSAGES = r"^/channels/\d+/messages$"


@pytest.fixture
def discord(local_discord: Any) -> Iterator[Discord]:
    """A login with more patience than any fault here lasts."""
    logged_in = Discord(local_discord.world.token, local_discord.server.api_url, patience_s=60)
    yield logged_in
    logged_in.close()


def hurry(discord: Discord, seconds: float | None) -> None:
    """Let a login have so much patience; None: all of it again."""
    discord._patience_s = 60 if seconds is None else seconds


@pytest.fixture
def post(local_discord: Any) -> Post:
    """A message with a file, a button and one mention."""
    luna = local_discord.world.user("luna").id
    return Post(
        content=f"<@{luna}> <@{local_discord.world.user('max').id}> @everyone done",
        plain=f"<@{luna}>",
        nonce="r00112233445566aa",
        file_stem="flux2-00112233445566aa",
        mentions=(luna,),
        components=({"type": 1, "components": [{"type": 2, "style": 1, "label": "Again", "custom_id": "again:1"}]},),
        files=(File("flux2-00112233445566aa-1.png", b"\x89PNG not really", "a fox"),),
    )


def test_a_post_arrives_whole(local_discord: Any, discord: Discord, post: Post) -> None:
    """Content, file with alt text and button arrive; of three possible pings only the listed one is made."""
    message_id = discord.send(local_discord.id("pictures"), post)
    [message] = local_discord.posted()
    assert (message.id, message.content, message.labels()) == (message_id, post.content, ["Again"])
    assert [(file.filename, file.description) for file in message.files] == [(post.files[0].name, "a fox")]
    assert message.pinged == set(post.mentions)


def test_one_login_serves_many_posts(local_discord: Any, discord: Discord, post: Post) -> None:
    """Three messages cost one look at who we are."""
    for number in range(3):
        discord.send(local_discord.id("pictures"), replace(post, nonce=f"n{number}"))
    assert sum(call.path == "/users/@me" for call in local_discord.server.calls) == 1


def test_a_reply_answers_its_message_and_survives_its_deletion(
    local_discord: Any, discord: Discord, post: Post
) -> None:
    """The reference is set; where the referenced message does not exist any more, the post is made all the same."""
    first = discord.send(local_discord.id("pictures"), post)
    discord.send(local_discord.id("pictures"), replace(post, nonce="second", reply_to=first))
    discord.send(local_discord.id("pictures"), replace(post, nonce="third", reply_to=first + 1))
    assert [message.reference_id for message in local_discord.posted()][:2] == [None, first]
    assert len(local_discord.posted()) == 3


@pytest.mark.parametrize(
    "action",
    [
        Fail(502, after_commit=True),
        Fail(503, after_commit=True),
        Disconnect(after_commit=True),
        Disconnect(),
        TooMany(0.2),
    ],
    ids=str,
)
def test_an_unknown_outcome_is_sent_again_and_posted_once(
    local_discord: Any, discord: Discord, post: Post, action: Any
) -> None:
    """502 and 503 after the commit, cut connections and short rate limits end in exactly one message."""
    local_discord.world.faults.add(Fault("POST", POST_MESSAGES, action))
    message_id = discord.send(local_discord.id("pictures"), post)
    assert [message.id for message in local_discord.posted()] == [message_id]
    assert local_discord.posts_tried() == 2


@pytest.mark.parametrize(("action", "seconds"), [(TooMany(90), 90), (TooMany(90, scope="global"), 90)], ids=str)
def test_a_long_rate_limit_is_handed_back_at_once(
    local_discord: Any, discord: Discord, post: Post, action: Any, seconds: float
) -> None:
    """Waiting longer than our patience is the caller's business, with Discord's own figure."""
    local_discord.world.faults.add(Fault("POST", POST_MESSAGES, action))
    with pytest.raises(NotNow) as not_now:
        discord.send(local_discord.id("pictures"), post)
    assert not_now.value.seconds == seconds
    assert local_discord.posts_tried() == 1


def test_a_ban_by_the_edge_stops_posting_for_minutes(local_discord: Any, discord: Discord, post: Post) -> None:
    """An HTML 429 without Via is not retried, and the next try is five minutes off."""
    local_discord.world.faults.add(Fault("POST", POST_MESSAGES, TooMany(1, via=False)))
    with pytest.raises(NotNow) as not_now:
        discord.send(local_discord.id("pictures"), post)
    assert not_now.value.seconds == 300
    assert local_discord.posts_tried() == 1


@pytest.mark.parametrize("action", [Delay(30), Fail(503), Fail(500)], ids=str)
def test_an_outage_ends_in_not_now_within_our_patience(
    local_discord: Any, discord: Discord, post: Post, action: Any
) -> None:
    """A Discord that hangs or fails is given up after the patience, and the login works again afterwards."""
    fault = local_discord.world.faults.add(Fault("POST", POST_MESSAGES, action, count=None))
    hurry(discord, 3)
    with pytest.raises(NotNow) as not_now:
        discord.send(local_discord.id("pictures"), post)
    assert not_now.value.seconds is None
    assert local_discord.posts_tried() < 5, "the library's own tries were waited for"
    local_discord.world.faults.rules.remove(fault)
    hurry(discord, None)
    discord.send(local_discord.id("pictures"), post)
    assert len(local_discord.posted()) == 1


def test_a_global_limit_that_was_waited_out_in_vain_does_not_block_what_follows(
    local_discord: Any, discord: Discord, post: Post
) -> None:
    """Cut off inside the library's wait for a global limit, the next message still goes out."""
    local_discord.world.faults.add(Fault("POST", POST_MESSAGES, TooMany(2.5, scope="global"), count=2))
    hurry(discord, 3)
    with pytest.raises(NotNow):
        discord.send(local_discord.id("pictures"), post)
    hurry(discord, None)
    discord.send(local_discord.id("pictures"), post)
    assert len(local_discord.posted()) == 1


@pytest.mark.parametrize(
    ("status", "code"), [(404, 10003), (403, 50001), (403, 50013), (400, 50083), (403, 50007), (403, 50278)]
)
def test_a_channel_that_will_never_take_it_is_refused_at_once(
    local_discord: Any, discord: Discord, post: Post, status: int, code: int
) -> None:
    """Each permanent refusal carries Discord's code and is tried once: refused requests end in a ban."""
    local_discord.world.faults.add(Fault("POST", POST_MESSAGES, Fail(status, code), count=None))
    with pytest.raises(Refused) as refused:
        discord.send(local_discord.id("pictures"), post)
    assert refused.value.code == code
    assert local_discord.posts_tried() == 1


def test_an_edge_block_is_not_taken_for_a_missing_permission(local_discord: Any, discord: Discord, post: Post) -> None:
    """403 with Cloudflare's code means wait, not undeliverable."""
    local_discord.world.faults.add(Fault("POST", POST_MESSAGES, Fail(403, 40333)))
    with pytest.raises(NotNow) as not_now:
        discord.send(local_discord.id("pictures"), post)
    assert not_now.value.seconds == 300


def test_a_reply_without_the_right_to_read_history_is_sent_without_reference(
    local_discord: Any, discord: Discord, post: Post
) -> None:
    """160002 costs the reference, not the picture."""
    first = discord.send(local_discord.id("pictures"), post)
    world = local_discord.world
    role = next(role for role in world.guild.roles.values() if role.managed_by == world.bot.id)
    deny = Permission.READ_MESSAGE_HISTORY
    local_discord.do(lambda: world.overwrite(world.channel("pictures"), role, deny=deny))
    discord.send(local_discord.id("pictures"), replace(post, nonce="second", reply_to=first))
    assert [message.reference_id for message in local_discord.posted()] == [None, None]


@pytest.mark.parametrize("code", [200000, 240000])
def test_a_blocked_text_is_sent_without_the_members_words(
    local_discord: Any, discord: Discord, post: Post, code: int
) -> None:
    """AutoMod and the link filter cost the text; picture, ping and buttons stay."""
    local_discord.world.faults.add(Fault("POST", POST_MESSAGES, Fail(400, code)))
    discord.send(local_discord.id("pictures"), post)
    [message] = local_discord.posted()
    assert (message.content, len(message.files), message.labels()) == (post.plain, 1, ["Again"])


def test_a_form_that_discord_rejects_is_sent_in_its_plainest_shape(
    local_discord: Any, discord: Discord, post: Post
) -> None:
    """A component Discord does not take (here a button without label) does not cost the picture."""
    broken = ({"type": 1, "components": [{"type": 2, "style": 77, "custom_id": "x"}]},)
    discord.send(local_discord.id("pictures"), replace(post, components=broken))
    [message] = local_discord.posted()
    assert (message.content, len(message.files), message.components) == (post.plain, 1, [])


def test_too_large_is_told_apart(local_discord: Any, discord: Discord, post: Post) -> None:
    """A file over the channel's limit raises TooLarge, not Refused."""
    local_discord.world.upload_limit_bytes = 1000
    with pytest.raises(TooLarge):
        discord.send(local_discord.id("pictures"), replace(post, files=(File("a-1.png", bytes(2000), ""),)))


def test_a_post_that_was_deleted_is_not_posted_again(local_discord: Any, discord: Discord, post: Post) -> None:
    """The nonce of a deleted message raises Deleted."""
    discord.send(local_discord.id("pictures"), post)
    local_discord.do(lambda: local_discord.world.delete_message(local_discord.posted()[0]))
    with pytest.raises(Deleted):
        discord.send(local_discord.id("pictures"), post)
    assert local_discord.posted() == []


def test_a_posted_message_is_found_by_its_file_name(local_discord: Any, discord: Discord, post: Post) -> None:
    """Read-back finds this job's picture among others' and not another job's."""
    channel = local_discord.id("pictures")
    other = replace(post, nonce="other", file_stem="flux2-other", files=(File("flux2-other-1.png", b"x", ""),))
    assert discord.find(channel, post, 0) is None
    message_id = discord.send(channel, post)
    discord.send(channel, other)
    nonceless = replace(post, nonce="forgotten")
    assert discord.find(channel, nonceless, 300) == message_id
    assert discord.find(channel, replace(nonceless, file_stem="flux2-third"), 300) is None


def test_a_message_is_found_behind_much_talk(local_discord: Any, discord: Discord, post: Post) -> None:
    """The look goes back to the first send, page by page, and no further: older pages are not asked for."""
    channel, max_ = local_discord.world.channel("pictures"), local_discord.world.user("max")

    def talk() -> None:
        for number in range(230):
            posting.post(local_discord.world, max_, channel, Draft(frozenset(), content=f"talk {number}"))

    message_id = discord.send(channel.id, post)
    local_discord.do(talk)
    assert discord.find(channel.id, replace(post, nonce="forgotten"), 30) == message_id
    local_discord.do(lambda: local_discord.world.clock.advance(3600))
    local_discord.do(talk)
    asked = len(local_discord.server.calls)
    # First sent some minutes before the second talk, on a clock that is an hour ahead of ours.
    assert discord.find(channel.id, replace(post, nonce="forgotten", file_stem="flux2-third"), -3000) is None
    assert len(local_discord.server.calls) - asked == 3


def test_a_notice_is_found_by_its_words_and_buttons(local_discord: Any, discord: Discord, post: Post) -> None:
    """Without files, words, buttons and age must all agree."""
    channel = local_discord.id("pictures")
    notice = replace(post, files=(), content="Failed.", nonce="n1")
    message_id = discord.send(channel, notice)
    forgotten = replace(notice, nonce="n2")
    assert discord.find(channel, forgotten, 1) == message_id
    assert discord.find(channel, replace(forgotten, components=()), 1) is None
    assert discord.find(channel, replace(forgotten, content="Other."), 1) is None


def test_a_direct_message_reaches_the_member(local_discord: Any, discord: Discord, post: Post) -> None:
    """The DM channel of a member takes the same post."""
    luna = local_discord.world.user("luna")
    channel = discord.direct_channel(luna.id)
    discord.send(channel, post)
    assert [user.id for user in local_discord.world.channels[channel].recipients if not user.bot] == [luna.id]
    assert len(local_discord.world.messages(channel)) == 1


def test_a_wrong_token_is_refused_without_a_second_try(local_discord: Any) -> None:
    """401 raises TokenRefused after one request: more would only be counted against this address."""
    stranger = Discord("wrong.token.here", local_discord.server.api_url, patience_s=60)
    try:
        with pytest.raises(TokenRefused):
            stranger.log_in()
    finally:
        stranger.close()
    assert len(local_discord.server.calls) == 1


def test_delivery_loads_without_torch() -> None:
    """An interpreter where torch and its kin cannot be imported loads lanes, tasks and delivery."""
    code = (
        "import sys\n"
        "for name in ('torch', 'diffusers', 'transformers', 'accelerate'): sys.modules[name] = None\n"
        "import worker.lanes, worker.delivery, worker.tasks.deliver"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
