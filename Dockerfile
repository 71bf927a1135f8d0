# One image for every process of Earmark; docker-compose.yml says which runs where.
FROM python:3.11-slim-bookworm

ENV PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONUNBUFFERED=1 \
    EARMARK_HOME=/var/lib/earmark

# What changes seldom comes first. Wheels only: the image has no compiler.
WORKDIR /src
COPY requirements.lock ./
RUN pip install --only-binary=:all: --require-hashes -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY streams ./streams
COPY projections ./projections
RUN pip install --no-deps . \
 && useradd --system --home-dir /var/lib/earmark earmark \
 && install -d -o earmark -g earmark /var/lib/earmark

USER earmark
# Relative paths in settings (a cookies.txt, a list of symbols) start in the volume.
WORKDIR /var/lib/earmark
VOLUME /var/lib/earmark
ENTRYPOINT ["earmark"]
CMD ["--help"]
