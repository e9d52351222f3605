"""Settings, logging and the tables an operator may edit."""
