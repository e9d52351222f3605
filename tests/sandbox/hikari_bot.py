"""A bot on hikari, run as a process of its own: registers /ask and answers it with a file.

    python hikari_bot.py API_URL TOKEN

hikari learns the gateway's address from the API, as a bot on Discord does; nothing in it is changed.
"""

import sys

import hikari


def build(api_url: str, token: str) -> hikari.GatewayBot:
    """The bot."""
    bot = hikari.GatewayBot(
        token,
        banner=None,
        logs="WARNING",
        rest_url=api_url,
        intents=hikari.Intents.GUILDS | hikari.Intents.GUILD_MESSAGES,
        suppress_optimization_warning=True,
    )

    @bot.listen()
    async def register(event: hikari.StartedEvent) -> None:
        application = await bot.rest.fetch_application()
        ask = bot.rest.slash_command_builder("ask", "Answers with a file")
        ask.add_option(
            hikari.CommandOption(
                type=hikari.OptionType.STRING, name="text", description="What to write", is_required=True
            )
        )
        ask.add_option(
            hikari.CommandOption(
                type=hikari.OptionType.ATTACHMENT, name="file", description="What to read", is_required=False
            )
        )
        await bot.rest.set_application_commands(application, [ask])

    @bot.listen()
    async def answer(event: hikari.InteractionCreateEvent) -> None:
        interaction = event.interaction
        if not isinstance(interaction, hikari.CommandInteraction):
            return
        await interaction.create_initial_response(hikari.ResponseType.DEFERRED_MESSAGE_CREATE)
        values = {option.name: option.value for option in interaction.options or ()}
        read = b""
        if "file" in values:
            read = await interaction.resolved.attachments[hikari.Snowflake(values["file"])].read()
        text = f"{values['text']} {len(read)}"
        await interaction.edit_initial_response(text, attachment=hikari.Bytes(text.encode(), "answer.txt"))
        channel = await bot.rest.fetch_channel(interaction.channel_id)
        sent = await bot.rest.create_message(
            channel, f"posted in {channel.name}", attachment=hikari.Bytes(b"x", "x.png")
        )
        thread = await bot.rest.create_message_thread(channel, sent, "talk")
        await bot.rest.create_message(thread, "in the thread")

    return bot


if __name__ == "__main__":
    build(sys.argv[1], sys.argv[2]).run()
