"""/admin as Discord shows it: one module for each group of subcommands; what they do stands in bot/administration."""
