# syntax=docker/dockerfile:1
# python -m bot: no torch; of flux2 it imports the values.

FROM python:3.11-slim-bookworm AS install
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /venv
COPY pyproject.toml constraints.txt README.md ./
RUN /venv/bin/pip install -c constraints.txt ".[bot,postgres,s3]"

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/*
# The same uid in all images: they share the folder of pictures. An empty named volume takes over these owners.
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin flux2 \
    && install -d -o flux2 -g flux2 /var/lib/flux2-bot/blobs /var/lib/flux2-bot/ledger
COPY --from=install /venv /venv
WORKDIR /app
COPY config config
COPY flux2 flux2
COPY worker worker
COPY bot bot
ENV PATH=/venv/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["python", "-m", "bot"]
