"""What may be wrong with a deployment, looked for part by part: every finding says how to mend it."""
