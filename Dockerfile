# One image for gateway, dogs, cats and exporter: they share their packages, and differ in the file they start.
FROM oven/bun:1.4.5-slim
WORKDIR /home/bun/app

# First what the packages depend on, so that a change of code does not install them again.
COPY package.json bun.lock bunfig.toml ./
COPY gateway/package.json gateway/
COPY services/dogs/package.json services/dogs/
COPY services/cats/package.json services/cats/
COPY services/pets/package.json services/pets/
COPY exporter/package.json exporter/
COPY monitoring/package.json monitoring/
COPY k6/package.json k6/
COPY examples/package.json examples/
COPY packages/metrics/package.json packages/metrics/
COPY packages/prefork/package.json packages/prefork/
RUN bun install --frozen-lockfile --production

COPY gateway gateway
COPY services services
COPY exporter exporter
COPY packages packages

# A named volume takes its owner from here.
RUN mkdir /data && chown bun:bun /data
USER bun
# Containers move: a name's address, such as the database's, is believed for so long, not for Bun's 30 s.
ENV NODE_ENV=production BUN_CONFIG_DNS_TIME_TO_LIVE_SECONDS=1
