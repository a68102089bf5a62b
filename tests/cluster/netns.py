"""Hosts that are network namespaces: each has its own address, name and sshd; one more namespace is the router between them."""
import os
import shutil
import subprocess
import tempfile
import time

import privileged

NET = "10.78.0"


def require():
    privileged.require("ip", "unshare", "sshd", "ssh", "ssh-keygen")
    name = f"spcprobe{os.getpid()}"
    privileged.require_success("a network namespace", "ip", "netns", "add", name)
    try:
        privileged.require_success("a virtual network card", "ip", "-n", name, "link", "add", "probe0", "type", "veth", "peer", "name", "probe1")
        privileged.require_success("routing", "ip", "netns", "exec", name, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)
    privileged.require_success("a host name of its own", "unshare", "--uts", "true")


class Hosts:
    """node1, node2, ... The first one is where commands are started."""

    def __init__(self, count):
        self.folder = tempfile.mkdtemp(prefix="spcnet_hosts_")
        self.names = [f"node{i + 1}" for i in range(count)]
        self.spaces = {name: f"spc{os.getpid()}{name}" for name in self.names}
        self.router = f"spc{os.getpid()}router"
        self.daemons = []
        self.key = os.path.join(self.folder, "key")

    def __enter__(self):
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *_):
        self.down()

    def up(self):
        os.makedirs("/run/sshd", exist_ok=True)
        self.ip("netns", "add", self.router)
        self.set_in_router("ip_forward")
        self.ip("-n", self.router, "link", "set", "lo", "up")
        self.ip("-n", self.router, "addr", "add", f"{NET}.254/32", "dev", "lo")  # to ask for the hosts' addresses with
        self.keygen(self.key)
        for number, name in enumerate(self.names, 1):
            space = self.spaces[name]
            os.makedirs(f"/etc/netns/{space}")
            with open(f"/etc/netns/{space}/hosts", "w", encoding="ascii") as file:
                file.write("127.0.0.1 localhost\n" + "".join(f"{NET}.{i} {other}\n" for i, other in enumerate(self.names, 1)))
            self.ip("netns", "add", space)
            self.ip("link", "add", "eth", "netns", space, "type", "veth", "peer", "name", name, "netns", self.router)
            self.ip("-n", space, "addr", "add", f"{NET}.{number}/24", "dev", "eth")
            for device in ("lo", "eth"):
                self.ip("-n", space, "link", "set", device, "up")
            self.ip("-n", self.router, "link", "set", name, "up")
            self.ip("-n", self.router, "route", "add", f"{NET}.{number}/32", "dev", name)
            self.set_in_router(f"conf/{name}/proxy_arp")  # it answers for all the others
            self.start_sshd(name)

    def start_sshd(self, name):
        key, config, pid = (os.path.join(self.folder, f"{name}.{what}") for what in ("key", "conf", "pid"))
        self.keygen(key)
        with open(config, "w", encoding="ascii") as file:
            file.write(f"HostKey {key}\nAuthorizedKeysFile {self.key}.pub\nPidFile {pid}\nPermitRootLogin prohibit-password\n"
                       "PasswordAuthentication no\nUsePAM no\nStrictModes no\n")
        self.daemons.append(subprocess.Popen(self.on(name, "/usr/sbin/sshd", "-D", "-f", config), stdin=subprocess.DEVNULL,
                                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        deadline = time.monotonic() + 20
        while not os.path.exists(pid):
            if time.monotonic() > deadline:
                raise TimeoutError(f"sshd of {name} does not start")
            time.sleep(0.02)

    def down(self):
        for daemon in self.daemons:
            daemon.terminate()
            daemon.wait()
        for space in [*self.spaces.values(), self.router]:
            for pid in subprocess.run(["ip", "netns", "pids", space], capture_output=True, text=True, check=False).stdout.split():
                subprocess.run(["kill", "-9", pid], check=False, stderr=subprocess.DEVNULL)
            subprocess.run(["ip", "netns", "del", space], check=False, stderr=subprocess.DEVNULL)
            shutil.rmtree(f"/etc/netns/{space}", ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def on(self, name, *command):
        """The command line that runs a command on a host."""
        return ["ip", "netns", "exec", self.spaces[name], "unshare", "--uts", "sh", "-c", f'hostname {name}; exec "$@"', "sh", *command]

    def mpi_options(self):
        """What mpirun must know of this network."""
        ssh = f"ssh -i {self.key} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ConnectTimeout=3"
        net = f"{NET}.0/24"
        return ["--mca", "plm_rsh_agent", ssh, "--mca", "pml", "ob1", "--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", net,
                "--mca", "oob_tcp_if_include", net]

    def limit(self, rate, *names):
        """What these hosts may send, or all: "1gbit"."""
        for name in names or self.names:
            self.ip("netns", "exec", self.spaces[name], "tc", "qdisc", "add", "dev", "eth", "root", "tbf", "rate", rate, "burst", "1mb", "latency", "50ms")

    def cut_off(self, name):
        self.ip("-n", self.router, "link", "set", name, "down")

    def set_in_router(self, key):
        self.ip("netns", "exec", self.router, "sh", "-c", f"echo 1 >/proc/sys/net/ipv4/{key}")

    @staticmethod
    def ip(*arguments):
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    @staticmethod
    def keygen(path):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
