# The example app; `docker compose up` runs it as receivers and workers. `node dist/example/main.js --help` lists
# what it reads from its environment.
FROM node:24-slim
WORKDIR /app
COPY package.json package-lock.json ./
# Node 24 has SQLite itself, so nothing has to be compiled.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.esm.json ./
COPY libs libs
COPY apps apps
RUN npm run -s build:example && mkdir /data && chown node /data
USER node
ENV NODE_ENV=production RUNHOOKS_DB=/data/runhooks.db
VOLUME /data
EXPOSE 3000
# Not by npm, which would keep SIGTERM from the app.
CMD ["node", "dist/example/main.js"]
