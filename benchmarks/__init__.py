"""What is measured, and how; each module prints a table. docs/reliability.md holds the results."""
