# hooke in a small image: built in one stage, run in another as a user without rights.
#   docker build -t hooke .
#   docker run --rm -p 127.0.0.1:4000:4000 -v hooke-data:/data hooke

FROM rust:1.95-slim-bookworm AS build
# node and npm build the browser's assets into the binary; without them the pages would ask a CDN
RUN apt-get update \
 && apt-get install -y --no-install-recommends nodejs npm \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin hooke \
 && cp target/release/hooke /hooke

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /data --create-home hooke
COPY --from=build /hooke /usr/local/bin/hooke
USER hooke
WORKDIR /data
VOLUME /data
EXPOSE 4000
# Inside a container the only way in is the published port: publish it on loopback, or put a proxy that signs people in before it.
ENV HOOKE_LISTEN=0.0.0.0:4000 HOOKE_DATA=/data HOOKE_INSECURE=true
# The image has no HTTP client: bash speaks the one request that is needed
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/4000 && printf 'GET /readyz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200'"]
ENTRYPOINT ["hooke"]
CMD ["serve"]
