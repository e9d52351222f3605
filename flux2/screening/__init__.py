"""Whether a prompt or a picture may be drawn: small ports, one screen per module, asked inside the pipeline."""
