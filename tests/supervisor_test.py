#!/usr/bin/env python3
"""The supervisor and the processes that it starts: whom they run as, what they can no longer do, what they are handed, and what
happens when one ends, when the configuration changes and when all stops."""

import contextlib
import errno
import hashlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading

import processes
import tap
from installation import Client, Installation, KEEPER_USER, PROGRAM, free_port

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
AS_ROOT = os.geteuid() == 0


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def is_alive(pid):
    try:
        return status_of(pid)["State"][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_each_process_is_confined_and_runs_as_its_own_user():
    with Installation() as gate:
        users = {}
        for role in ("gateway", "keeper", "worker"):
            status = status_of(gate.pid(role))
            assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", (role, status)
            users[role] = status["Uid"].split("\t")
            if AS_ROOT:
                assert len(set(users[role])) == 1 and int(status["CapEff"], 16) == 0 and status["Groups"].strip() == "", status
            with open(f"/proc/{gate.pid(role)}/limits", encoding="ascii") as file:
                assert "Max core file size        0                    0" in file.read()
        status = status_of(gate.process.pid)
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status
        if AS_ROOT:
            assert len({user[0] for user in users.values()}) == 3 and users["keeper"][0] == str(KEEPER_USER), users


def confinement_when(gate, client, roles):
    """What /readyz says of each process, once it has heard of these."""
    def read():
        said = client.ask("GET", "/readyz").json()["confinement"]
        return said if set(roles) <= set(said) else None
    return gate.wait_until(read, f"confinement of {roles}")


def test_readyz_says_how_each_process_is_confined_also_after_a_restart():
    roles = {"gateway", "keeper", "supervisor", "worker"}
    with Installation() as gate:
        for restarted in (None, "gateway", "keeper"):
            if restarted:
                pid = gate.pid(restarted)
                os.kill(pid, signal.SIGKILL)
                gate.wait_until(lambda pid=pid: not is_alive(pid), "its end")
                gate.wait_ready()
            with Client(gate) as client:
                said = confinement_when(gate, client, roles)
                assert set(said) == roles, said
                if "sanitizers" in said["gateway"]["lacks"]:
                    return
                for role, how in said.items():
                    assert how["degraded"] is False and how["lacks"] == "" and how["seccomp"] is True, said
                    assert how["landlock"] is True and how["landlock_abi"] > 0, said
                    if AS_ROOT:
                        assert how["network_namespace"] is (role in ("keeper", "worker")), said
                metrics = client.ask("GET", "/metrics").body.decode()
                for role in roles:
                    assert f'gatehouse_confinement_degraded{{process="{role}"}} 0' in metrics, metrics


def test_what_a_system_lacks_is_refused_and_where_it_is_allowed_shown():
    with Installation(settings="confinement: degraded", environment={"HIDE_LANDLOCK": "1"}) as gate, Client(gate) as client:
        said = confinement_when(gate, client, {"gateway", "keeper", "supervisor", "worker"})
        if "sanitizers" in said["gateway"]["lacks"]:
            return
        for role in ("gateway", "keeper", "supervisor", "worker"):
            assert said[role]["degraded"] is True and said[role]["lacks"] == "landlock: the kernel has none", said
            assert said[role]["landlock"] is False and said[role]["landlock_abi"] == 0 and said[role]["seccomp"] is True, said
        metrics = client.ask("GET", "/metrics").body.decode()
        assert 'gatehouse_confinement_degraded{process="worker"} 1' in metrics, metrics
    log = Installation(environment={"HIDE_LANDLOCK": "1"}).refuse_to_start(4)
    assert "confine.landlock: the kernel has none" in log, log


def test_what_is_tried_inside_the_keeper_is_refused():
    with Installation() as gate, Client(gate) as client:
        attempts = client.post("attempts").json()
        if AS_ROOT:
            assert attempts["network_namespace"] is True
        del attempts["network_namespace"]
        assert len(attempts) == 14, attempts
        for name, error in attempts.items():
            assert error in (errno.EPERM, errno.EACCES), f"{name}: {errno.errorcode.get(error, error)}"


def test_the_processes_have_no_descriptors_but_their_own():
    if not AS_ROOT:
        raise tap.Skip("only root may look into a process that cannot be traced")
    with Installation() as gate:
        for role in ("gateway", "keeper", "worker"):
            links = processes.descriptors(gate.pid(role))
            assert "/dev/null" in links, (role, links)  # each has its standard input: something was read
            for link in links:
                assert link.startswith(("socket:", "anon_inode:", "pipe:", "/dev/null", gate.log_path, "/memfd:")), (role, link)


def test_the_passphrase_reaches_the_keeper_without_its_line_end():
    with Installation() as gate, Client(gate) as client:
        assert client.post("passphrase").body == b"13"
        gate.kill("keeper")
        gate.wait_until(lambda: client.post("passphrase").body == b"13", "the passphrase again")


def test_a_credential_of_the_service_manager_holds_the_root_key():
    gate = Installation()
    gate.root_key = "{credential: passphrase}"
    gate.environment = {"CREDENTIALS_DIRECTORY": gate.directory}
    gate.write_config()
    with gate, Client(gate) as client:
        assert client.post("passphrase").body == b"13"


def test_a_credential_that_nobody_gave_is_refused_at_the_start():
    gate = Installation()
    gate.root_key = "{credential: passphrase}"
    gate.environment = {"CREDENTIALS_DIRECTORY": ""}
    gate.write_config()
    assert "root_key.credential" in gate.refuse_to_start(4)


def test_a_root_key_file_that_others_can_read_is_refused_at_the_start():
    for mode in (0o640, 0o604):
        gate = Installation()
        os.chmod(gate.passphrase_path, mode)
        assert "root_key.file_mode" in gate.refuse_to_start(4), oct(mode)


def test_a_data_directory_of_another_user_is_refused_at_the_start():
    if not AS_ROOT:
        raise tap.Skip("a user of its own needs root")
    gate = Installation()
    os.chown(gate.data, 0, 0)
    log = gate.refuse_to_start(4)
    assert "supervisor.directory" in log and str(KEEPER_USER) in log, log


def test_a_port_that_is_taken_is_refused_at_the_start():
    gate = Installation()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the port is reserved for this test
        taken.bind(("127.0.0.1", gate.port))
        taken.listen()
        assert "handover.listen" in gate.refuse_to_start(4)


def test_a_bad_configuration_is_refused_with_line_and_column():
    log = Installation("limits: {conections: 5}").refuse_to_start(2)
    assert "yaml.unknown_key" in log and "gatehouse.yaml:8:10:" in log, log


def test_a_certificate_that_does_not_fit_its_key_ends_the_start_with_its_reason():
    gate = Installation()
    for name in ("a", "b"):
        certificate(gate, name)
    gate.tls = f"{{certificate: {gate.directory}/a.crt, key: {gate.directory}/b.key}}"
    gate.write_config()
    assert "tls.key" in gate.refuse_to_start(4)


def certificate(gate, name, *times):
    paths = [os.path.join(gate.directory, f"{name}.{kind}") for kind in ("crt", "key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *(times or ("-days", "2")),
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:gate.example", "-out", paths[0], "-keyout", paths[1]],
                   check=True, capture_output=True)
    return paths


def served_certificate(gate):
    try:
        return ssl.get_server_certificate(("127.0.0.1", gate.port)).replace("\n", "")
    except OSError:
        return None # a listener that is not there yet, or a gateway that ended meanwhile


def test_the_log_says_what_clients_pin():
    with Installation() as gate:
        der = ssl.PEM_cert_to_DER_cert(served_certificate(gate))
        gate.wait_log(f"the certificate's SHA-256, for clients that pin it: {hashlib.sha256(der).hexdigest()}")


def is_refused(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


def file_content(path):
    with open(path, encoding="ascii") as file:
        return file.read().replace("\n", "")


def test_a_reload_takes_over_certificate_and_listeners_and_old_connections_stay():
    gate = Installation()
    first, second = certificate(gate, "first"), certificate(gate, "second")
    gate.tls = f"{{certificate: {first[0]}, key: {first[1]}}}"
    gate.write_config()
    with gate, Client(gate) as old:
        assert old.post("k").status == 200
        assert served_certificate(gate) == file_content(first[0])
        old_port, gate.port = gate.port, free_port()
        gate.tls = f"{{certificate: {second[0]}, key: {second[1]}}}"
        gate.write_config()
        gate.signal(signal.SIGHUP)
        gate.wait_log("the configuration is reloaded")
        gate.wait_until(lambda: served_certificate(gate) == file_content(second[0]), "the second certificate")
        assert old.post("k").status == 200
        gate.wait_until(lambda: is_refused(old_port), "a closed old port")


def test_a_bad_reload_changes_nothing():
    with Installation() as gate, Client(gate) as client:
        before = served_certificate(gate)
        old_port, gate.port = gate.port, free_port()
        (a_crt, a_key), (b_crt, b_key) = certificate(gate, "a"), certificate(gate, "b")
        empty = os.path.join(gate.directory, "empty")
        with open(empty, "wb"):
            pass
        for settings, tls, name in (("nonsense: 1", "{}", "yaml.unknown_key"),
                                    ("", "{certificate: /nowhere.crt, key: /nowhere.key}", "handover.open"),
                                    ("", f"{{certificate: {a_crt}, key: {b_key}}}", "tls.key: it does not belong"),
                                    ("", f"{{certificate: {a_key}, key: {a_key}}}", "tls.certificate: no PEM"),
                                    ("", f"{{certificate: {a_crt}, key: {b_crt}}}", "tls.key: no PEM"),
                                    ("", f"{{certificate: {a_crt}, key: {empty}}}", "tls.key: 0 bytes")):
            gate.settings, gate.tls = settings, tls
            gate.write_config()
            seen = gate.log().count("the reload is refused")
            gate.signal(signal.SIGHUP)
            gate.wait_until(lambda: gate.log().count("the reload is refused") > seen, "a refusal")
            last = [line for line in gate.log().splitlines() if "the reload is refused" in line][-1]
            assert '"role":"supervisor"' in last and name in last, last
        assert "the configuration is reloaded" not in gate.log()
        gate.port, new_port = old_port, gate.port
        assert served_certificate(gate) == before and is_refused(new_port)
        assert client.post("k").status == 200
        # A gateway that starts anew starts with what was in force, not with what lies in the files.
        gate.kill("gateway")
        gate.wait_until(lambda: served_certificate(gate) == before, "the next gateway")


def test_a_certificate_that_was_made_stays_over_a_reload_and_one_out_of_date_is_said():
    with Installation() as gate:
        made = served_certificate(gate)
        gate.signal(signal.SIGHUP)
        gate.wait_log("the configuration is reloaded")
        late, key = certificate(gate, "late", "-not_before", "20200101000000Z", "-not_after", "20200102000000Z")
        gate.tls = f"{{certificate: {late}, key: {key}}}"
        assert served_certificate(gate) == made
        gate.write_config()
        gate.signal(signal.SIGHUP)
        gate.wait_log(f"the certificate {late} is out of date")
        gate.wait_until(lambda: served_certificate(gate) == file_content(late), "the certificate that is out of date")


def test_a_process_that_keeps_ending_is_started_ever_more_slowly():
    with Installation() as gate:
        for delay in (100, 200, 400):
            gate.kill("keeper") # at once: one that had run for a while would count as steady
            gate.wait_log(f"the keeper ended (signal 9); it starts again in {delay} ms")
        gate.wait_ready()


def test_nothing_outlives_the_supervisor():
    gate = Installation()
    gate.expected_status = -signal.SIGKILL
    with gate:
        pids = [gate.pid("gateway"), gate.pid("keeper")]
        gate.process.kill()
        gate.process.wait()
        gate.wait_until(lambda: not any(is_alive(pid) for pid in pids), "an end of all")


@contextlib.contextmanager
def hearing():
    """A service manager: its socket, and a list that grows by what it is told. It reads all the time, since a socket holds some ten
    messages and what comes then is lost."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        path, told = os.path.join(folder, "notify"), []
        manager.bind(path)

        def listen():
            while (message := manager.recv(100)) != b"the end":
                told.append(message)

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        yield path, told
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"the end", path)
        listener.join()


def test_the_service_manager_is_told():
    with hearing() as (path, told):
        with Installation(environment={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"}) as gate:
            gate.wait_until(lambda: b"READY=1" in told, "a word of being ready")
            ready = told.index(b"READY=1")
            gate.wait_until(lambda: len(told) > ready + 2, "two words to the watchdog")
            gate.stop()
    assert set(told[:ready]) <= {b"WATCHDOG=1"}, told  # a start that takes longer than its interval
    assert told[ready + 1:ready + 3] == [b"WATCHDOG=1"] * 2 and b"STOPPING=1" in told, told


def unit():
    """The lines of examples/gatehouse.service."""
    with open(os.path.join(ROOT, "examples", "gatehouse.service"), encoding="utf-8") as file:
        return file.read()


def test_the_service_manager_finds_nothing_wrong_with_the_unit():
    if shutil.which("systemd-analyze") is None:
        raise tap.Skip("no systemd-analyze")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "gatehouse.service")
        with open(path, "w", encoding="utf-8") as file:
            file.write(unit().replace("/usr/local/bin/gatehouse", PROGRAM))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "gatehouse.service" not in done.stderr, done


def test_what_the_unit_leaves_the_supervisor_is_enough_for_it():
    numbers = {"CAP_DAC_READ_SEARCH": 2, "CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7, "CAP_NET_BIND_SERVICE": 10, "CAP_SYS_ADMIN": 21}
    capabilities = re.search(r"^CapabilityBoundingSet=(.*)$", unit(), re.MULTILINE)[1].split()
    own = int(status_of("self")["CapEff"], 16)
    if not all(own >> number & 1 for number in (8, *(numbers[name] for name in capabilities))) or shutil.which("setpriv") is None:
        raise tap.Skip("only root with all that the unit leaves can start with that alone")
    bounded = ["setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all," + ",".join(name.replace("CAP_", "+").lower() for name in capabilities)]
    with Installation(started_by=bounded) as gate, Client(gate) as client:
        assert int(status_of(gate.process.pid)["CapEff"], 16) == sum(1 << numbers[name] for name in capabilities), status_of(gate.process.pid)
        said = confinement_when(gate, client, ["gateway", "keeper", "supervisor", "worker"])
        assert not any(one["degraded"] for one in said.values()) and said["keeper"]["network_namespace"] and said["worker"]["network_namespace"], said
        gate.kill("keeper")
        gate.signal(signal.SIGHUP)
        gate.wait_log("the configuration is reloaded")


def test_the_program_says_how_it_is_used():
    done = subprocess.run([PROGRAM, "process", "nobody"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "usage" in done.stderr


if __name__ == "__main__":
    tap.main(globals())
