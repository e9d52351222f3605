"""The REST routes by resource, one class each; paths are those after /api/v10."""
