"""How the ledger's tables came to be, one revision at a time. Run by `bot.ledger.database` at every opening."""
