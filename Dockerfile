# The operator's image: Node.js as distroless ships it, and the operator as a few bundled files. No shell, no package manager,
# no node_modules; it runs as user 65532 and writes nothing. `npm run image` builds the same without Docker.
#
# Of some 160 MB (52 compressed), 150 are the one binary of Node.js, and 2 are the operator.

# JavaScript is the same for every architecture: built once, on the builder's own.
FROM --platform=$BUILDPLATFORM node:26.10.0-trixie-slim@sha256:ec7758ee051e457b468b32bde57b0879010b325bb9862718e9615225ce4aaae1 AS build
WORKDIR /src
COPY package.json package-lock.json setup.mjs bundle.ts ./
COPY examples/basket/package.json examples/basket/
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY operator operator
RUN npm run build

FROM gcr.io/distroless/nodejs26-debian13:nonroot@sha256:afc6657a4b662f9cb69ca892b0596e55d6ef81a10e83ee8887b13f602877df89
ARG VERSION=0.0.0-dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="anypod" \
      org.opencontainers.image.description="Kubernetes operator that runs stateless Model Context Protocol servers" \
      org.opencontainers.image.url="https://anypod.dev" \
      org.opencontainers.image.source="https://github.com/anypod-dev/anypod" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /src/dist/ /app/
# By number, so that Kubernetes can tell that it isn't root.
USER 65532:65532
# Metrics and health.
EXPOSE 8080 8081
# The flags are those of the first line of operator/main.ts.
ENTRYPOINT ["/nodejs/bin/node", "--max-semi-space-size=2", "--optimize-for-size", "/app/anypod.mjs"]
CMD ["run"]
