# Streamstack with a workspace that is mounted at /workspace; streams and records are kept in /data.
# `npm run try:container` follows these steps in an empty folder. The image itself has not been built by the maintainers' checks.
FROM node:24-slim AS build
WORKDIR /src
COPY . .
RUN npm ci --no-audit --no-fund
RUN mkdir /packed && npm pack --silent --workspaces --pack-destination /packed

FROM node:24-slim
WORKDIR /app
COPY --from=build /packed /app/packed
RUN npm install --omit=dev --no-audit --no-fund ./packed/*.tgz && rm -r packed
RUN mkdir /data && chown node:node /data
USER node
WORKDIR /workspace
VOLUME /data
EXPOSE 8080
ENV NODE_ENV=production
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# A list, so that SIGTERM reaches Node.js and no shell.
ENTRYPOINT ["node", "/app/node_modules/streamstack/bin/streamstack.js"]
CMD ["serve", "/workspace", "--host", "0.0.0.0", "--port", "8080", "--data", "/data"]
