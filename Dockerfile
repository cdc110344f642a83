# Two images: `runtime` (every process of the platform, with the built dashboard) and `chain`
# (Anvil, for a development chain). docs/guides/deployment.md says how they are used.

FROM node:22.23.3-bookworm-slim AS dashboard
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci
COPY frontend/ ./
RUN npm run build

FROM node:22.23.3-bookworm-slim AS tools
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci

FROM node:22.23.3-bookworm-slim AS chain
COPY --from=tools /src/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil /usr/local/bin/anvil
COPY deploy/chain-health.mjs /usr/local/lib/chain-health.mjs
RUN mkdir /chain && chown node:node /chain
USER 1000:1000
ENV HOME=/tmp
WORKDIR /chain
VOLUME ["/chain"]
EXPOSE 8545
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s --retries=6 \
    CMD ["node", "/usr/local/lib/chain-health.mjs"]
ENTRYPOINT ["anvil"]
CMD ["--host", "0.0.0.0", "--port", "8545"]

FROM python:3.11.14-slim-bookworm AS packages
RUN python -m venv /opt/venv
COPY requirements/runtime.txt /src/requirements/runtime.txt
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps \
    --require-hashes --requirement /src/requirements/runtime.txt

FROM python:3.11.14-slim-bookworm AS runtime
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin tallystick \
    && install --directory --owner=tallystick --group=tallystick --mode=0700 /var/lib/tallystick
COPY --from=packages /opt/venv /opt/venv
COPY --from=tools /src/node_modules/swagger-ui-dist /app/node_modules/swagger-ui-dist
COPY --from=dashboard /src/frontend/dist /app/frontend/dist
COPY LICENSE /app/LICENSE
COPY contracts/artifacts /app/contracts/artifacts
COPY anchoring /app/anchoring
COPY backend /app/backend
COPY --chmod=0755 deploy/entrypoint.sh /usr/local/bin/tallystick-entrypoint
RUN /opt/venv/bin/python -m compileall -q /app/anchoring /app/backend
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TALLYSTICK_HOME=/var/lib/tallystick
WORKDIR /app
USER 10001:10001
VOLUME ["/var/lib/tallystick"]
EXPOSE 8000
ENTRYPOINT ["tallystick-entrypoint"]
CMD ["serve"]
