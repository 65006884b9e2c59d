# An image of the program alone: static, for a user without rights, and for a root that cannot be written to.
#
#   docker build -t tollgate .
#   docker run --name tollgate --read-only --cap-drop ALL --security-opt no-new-privileges --ulimit nofile=262144 -p 8080:8080 \
#       -v ./tollgate.toml:/etc/tollgate/tollgate.toml:ro -v tollgate:/data tollgate
#   docker exec tollgate /usr/local/bin/tollgate user add alice --name "Alice"
#
# with `listen.public = "0.0.0.0:8080"` and `store.path = "/data/store"`: what is written lies in the volume, and the master key beside
# the folder and not in it (`/data/store.key`, mode 0600, of the user 65532), unless `store.master_key` names another place. What
# else the file names, such as certificates, is mounted, too. `docs/operating.md` tells how the image was tried.
FROM rust:1-alpine AS build
RUN apk add --no-cache build-base cmake perl linux-headers ca-certificates
WORKDIR /tollgate
COPY . .
# For musl, Rust links everything into the program. The folder is for the volume, which takes over whose it is.
RUN cargo build --release --locked --bin tollgate && mkdir -m 0700 /data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /tollgate/target/release/tollgate /usr/local/bin/tollgate
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
ENV TOLLGATE_CONFIG=/etc/tollgate/tollgate.toml
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# Whether it answers at its socket. Whether it decides requests is told by /ready at the administrative address.
# Opening a large store takes longer than three tries.
HEALTHCHECK --start-period=10m CMD ["/usr/local/bin/tollgate", "status"]
ENTRYPOINT ["/usr/local/bin/tollgate"]
CMD ["serve"]
