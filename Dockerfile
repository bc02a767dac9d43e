# Puente: one image, one command per process; see docker-compose.yml.
# First step: an environment from the lock file, then the project itself, nothing resolved anew.
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/puente
WORKDIR /src
COPY requirements.lock ./
RUN /opt/puente/bin/pip install --no-deps --require-hashes -r requirements.lock
# .dockerignore lets through what the package is made of.
COPY . .
# The build backend is in the lock, so that building needs no download of its own.
RUN /opt/puente/bin/pip install --no-deps --no-build-isolation . && cp deploy/healthy.py /opt/puente/

# Second step: the environment without the sources and caches that made it.
FROM python:3.11-slim
LABEL org.opencontainers.image.title="Puente" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent puente
COPY --from=build /opt/puente /opt/puente
ENV PATH=/opt/puente/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /opt/puente
USER 10001:10001
CMD ["puente", "--help"]
