# Remora's image: the binary, the few libraries it loads, a hashed CA directory, and nothing else.
# Both base images are arguments, so that a build can use its own mirror of them.
ARG BUILD_IMAGE=swift:6.3-bookworm
ARG FINAL_IMAGE=scratch

FROM ${BUILD_IMAGE} AS build
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
      binutils ca-certificates libssl-dev openssl pkg-config \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
RUN swift build -c release --product remora --static-swift-stdlib \
 && strip "$(swift build -c release --show-bin-path)/remora" -o /remora

# The final file system. Every library that the binary loads must be among those named here: the build stops
# where `ldd` knows another one. The loader stands where the binary's own header looks for it.
WORKDIR /root-fs
RUN set -eu; \
    mkdir -p usr/local/bin etc/ssl/certs etc/remora tmp; \
    chmod 1777 tmp; \
    cp /remora usr/local/bin/remora; \
    named='libssl.so.3 libcrypto.so.3 libc.so.6 libm.so.6 libstdc++.so.6 libgcc_s.so.1 ld-linux-x86-64.so.2 ld-linux-aarch64.so.1'; \
    ldd /remora | grep -o '/[^ ]*' | sort -u | while read -r library; do \
      case " $named " in \
        *" ${library##*/} "*) mkdir -p ".$(dirname "$library")"; cp -L "$library" ".$library" ;; \
        *) echo "remora loads $library, which this file does not name" >&2; exit 1 ;; \
      esac; \
    done; \
    cp -L /etc/ssl/certs/*.pem etc/ssl/certs/; \
    openssl rehash etc/ssl/certs; \
    printf 'hosts: files dns\n' > etc/nsswitch.conf; \
    printf 'remora:x:64642:64642::/:/sbin/nologin\n' > etc/passwd; \
    printf 'remora:x:64642:\n' > etc/group

FROM ${FINAL_IMAGE} AS final
COPY --from=build /root-fs/ /
ENV SSL_CERT_DIR=/etc/ssl/certs
# A user that other images don't have: the kernel counts inotify instances for each user of a node.
USER 64642:64642
EXPOSE 4141 4142
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/remora"]
