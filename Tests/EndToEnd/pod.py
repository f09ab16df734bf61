"""A pod on this machine: what a manifest says of it, done with the kernel's own means.

The image is made by the Dockerfile's own steps, volumes are laid out as kubelet does, and the container runs in it as
the manifest's user, without privileges, on a root that it can't write to. The network is the pod's own: loopback and
the pod's address. All of this is done in the namespaces of the calling process, which must be its own.
"""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import socket
import struct
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from kubelet import Volume
from remora import BINARY, ROOT

POD_IP = "10.244.1.7"
NAMESPACES = ("unshare", "--mount", "--net")


def set_up_network() -> None:
    """Brings the loopback up, and gives it the pod's address too."""
    set_address, set_flags, up = 0x8916, 0x8914, 0x1 | 0x40
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh22x", b"lo", up))
        address = struct.pack("16sHH4s16x", b"lo:1", socket.AF_INET, 0, socket.inet_aton(POD_IP))
        fcntl.ioctl(any_socket, set_address, address)


class Image:
    """The image's file system, and what the Dockerfile says of the process."""

    def __init__(self, root: Path, authority: Path, hosts: str) -> None:
        """`authority` is trusted beside the public ones, and `hosts` is added to the file of that name."""
        self.root = root
        root.mkdir(mode=0o755)
        text = (ROOT / "Dockerfile").read_text()
        steps = re.search(r"^WORKDIR /root-fs\nRUN (.*?[^\\])$", text, re.DOTALL | re.MULTILINE)[1]
        steps = re.sub(r"(?<= )/remora\b(?![/.])", str(BINARY), steps)
        steps += f"; cp {authority} etc/ssl/certs/test.pem; openssl rehash etc/ssl/certs"
        made = subprocess.run(["sh", "-c", steps], cwd=root, capture_output=True, text=True, timeout=60)
        assert made.returncode == 0, f"the Dockerfile's step says: {made.stderr}"
        # What a container's runtime brings.
        (root / "etc/hosts").write_text(f"127.0.0.1 localhost\n::1 localhost\n{hosts}\n")
        for name in ("proc", "dev", "sys"):
            (root / name).mkdir()
        self.environment = dict(each.split("=", 1) for each in re.findall(r"^ENV (\S+)$", text, re.MULTILINE))
        self.entrypoint = re.search(r'^ENTRYPOINT \["(.*)"\]$', text, re.MULTILINE)[1]


class Pod:
    """The volumes of a pod, and its sidecar."""

    def __init__(
        self,
        directory: Path,
        template: dict,
        image: Image,
        config_maps: dict[str, dict[str, str]],
        secrets: dict[str, dict[str, str]],
    ) -> None:
        """The last two are what the cluster holds: the content of each ConfigMap and Secret by its name."""
        self.directory, self.template, self.image = directory, template, image
        self.volumes: dict[str, Volume] = {}
        for each in template["spec"]["volumes"]:
            if "configMap" in each:
                source, files = each["configMap"], config_maps[each["configMap"]["name"]]
            elif "secret" in each:
                source, files = each["secret"], secrets[each["secret"]["secretName"]]
            else:
                continue
            mode = source.get("defaultMode", 0o644)
            self.volumes[each["name"]] = Volume(directory / each["name"], mode=mode, **names(files))
        self.container = template["spec"]["initContainers"][0]
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Runs the sidecar's container, with its standard streams in files of the pod's directory."""
        root, security = self.image.root, self.container["securityContext"]
        steps = ["set -e", f"mount --bind {root} {root}"]
        for name in ("proc", "dev", "sys"):
            steps.append(f"mount --rbind /{name} {root}/{name}")
        for mount in self.container["volumeMounts"]:
            target = root / mount["mountPath"].lstrip("/")
            target.mkdir(parents=True, exist_ok=True)
            steps.append(f"mount --bind {self.volumes[mount['name']].path} {target}")
            steps.append(f"mount -o remount,bind,ro {target}")
        steps.append(f"mount -o remount,bind,ro {root}")
        user = f"{security['runAsUser']}:{security['runAsGroup']}"
        command = shlex.join([self.image.entrypoint, *self.container["args"]])
        steps.append(f"exec setpriv --no-new-privs chroot --userspec={user} --groups= {root} {command}")
        with (self.directory / "stdout").open("wb") as out, (self.directory / "stderr").open("wb") as err:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", "\n".join(steps)],
                env={"PATH": os.environ["PATH"], **self.image.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def output(self) -> str:
        return "".join((self.directory / name).read_text() for name in ("stdout", "stderr"))

    def probe(self, name: str) -> bool:
        """What kubelet finds out with one of the container's probes."""
        probe = self.container[name]
        ports = {each["name"]: each["containerPort"] for each in self.container["ports"]}
        url = f"http://{POD_IP}:{ports[probe['httpGet']['port']]}{probe['httpGet']['path']}"
        try:
            with urllib.request.urlopen(url, timeout=probe["timeoutSeconds"]) as got:
                return 200 <= got.status < 400
        except (urllib.error.URLError, OSError):
            return False


def names(files: dict[str, str]) -> dict[str, str]:
    """Files as `Volume` wants them named."""
    return {name.replace(".", "_"): text for name, text in files.items()}
