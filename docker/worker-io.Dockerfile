# syntax=docker/dockerfile:1
# python -m worker --role io: posts pictures and calls other people's APIs. No torch.

FROM python:3.11-slim-bookworm AS install
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /venv
COPY pyproject.toml constraints.txt README.md ./
RUN /venv/bin/pip install -c constraints.txt ".[io,s3]"

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/*
# The same uid in all images: they share the folder of pictures. An empty named volume takes over these owners.
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin flux2 \
    && install -d -o flux2 -g flux2 /var/lib/flux2-bot/blobs
COPY --from=install /venv /venv
WORKDIR /app
COPY config config
COPY flux2 flux2
COPY worker worker
ENV PATH=/venv/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["python", "-m", "worker", "--role", "io"]
