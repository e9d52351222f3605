"""What admins and the operator do, behind /admin and `python -m bot admin` alike. Every deed is in the audit log."""
