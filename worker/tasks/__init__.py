"""The functions RQ may call. Each module loads what its role needs and nothing else."""
