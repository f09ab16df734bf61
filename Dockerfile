# Remora's image: the binary, the few libraries it loads, a hashed CA directory, and nothing else.
# Both base images are arguments, so that a build can use its own mirror of them.
ARG BUILD_IMAGE=swift:6.3-bookworm
ARG FINAL_IMAGE=scratch

# Python makes the copy of Swift's library that the linker may leave unused code out of: see Sources/release.lld.
FROM ${BUILD_IMAGE} AS build
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
      binutils ca-certificates libssl-dev openssl pkg-config python3-minimal \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
ARG REVISION=
ENV REMORA_REVISION=${REVISION}
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
# Two sections are digests of what compiler and linker had before them, and differ from build to build though the code is
# the same: without them, the same sources give the same binary.
RUN swift build -c release --product remora --static-swift-stdlib --disable-local-rpath \
 && strip --remove-section=.swift_modhash --remove-section=.note.gnu.build-id \
      "$(swift build -c release --show-bin-path)/remora" -o /remora

# The final file system. Every library that the binary loads must be among those named here: the build stops
# where `ldd` finds one missing or knows another one. The loader stands where the binary's own header looks for it. What
# is copied in comes with its notice, and files bear a time that doesn't change from build to build.
WORKDIR /root-fs
RUN set -eu; \
    mkdir -p usr/local/bin etc/ssl/certs etc/remora tmp usr/share/doc/swift; \
    chmod 1777 tmp; \
    cp /remora usr/local/bin/remora; \
    loaded=$(ldd /remora); \
    case $loaded in *'not found'*) echo "$loaded" >&2; exit 1 ;; esac; \
    named='libssl.so.3 libcrypto.so.3 libc.so.6 libm.so.6 libstdc++.so.6 libgcc_s.so.1 ld-linux-x86-64.so.2 ld-linux-aarch64.so.1'; \
    for library in $(echo "$loaded" | grep -o '/[^ ]*' | sort -u); do \
      case " $named " in \
        *" ${library##*/} "*) ;; \
        *) echo "remora loads $library, which this file does not name" >&2; exit 1 ;; \
      esac; \
      mkdir -p ".$(dirname "$library")"; \
      cp -L "$library" ".$library"; \
      owner=$(dpkg -S "$library" 2>/dev/null || dpkg -S "$(readlink -f "$library")"); \
      owner=${owner%%:*}; \
      mkdir -p "usr/share/doc/$owner"; \
      cp -L "/usr/share/doc/$owner/copyright" "usr/share/doc/$owner/"; \
    done; \
    cp "$(dirname "$(readlink -f "$(command -v swift)")")/../share/swift/LICENSE.txt" usr/share/doc/swift/; \
    mkdir -p usr/share/doc/ca-certificates; \
    cp -L /usr/share/doc/ca-certificates/copyright usr/share/doc/ca-certificates/; \
    cp -L /etc/ssl/certs/*.pem etc/ssl/certs/; \
    openssl rehash etc/ssl/certs; \
    printf 'hosts: files dns\n' > etc/nsswitch.conf; \
    printf 'remora:x:64642:64642::/:/sbin/nologin\n' > etc/passwd; \
    printf 'remora:x:64642:\n' > etc/group; \
    find . -exec touch --no-dereference --date='1970-01-01 00:00:00 UTC' {} +

FROM ${FINAL_IMAGE} AS final
# What a registry shows: docker build --build-arg REVISION="$(git rev-parse HEAD)" --build-arg CREATED="$(date -u +%FT%TZ)"
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Remora" \
      org.opencontainers.image.description="A small LLM proxy beside each application" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build /root-fs/ /
ENV SSL_CERT_DIR=/etc/ssl/certs
# A user that other images don't have: the kernel counts inotify instances for each user of a node.
USER 64642:64642
EXPOSE 4141 4142
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/remora"]
