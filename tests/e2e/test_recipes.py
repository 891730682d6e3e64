# SPDX-License-Identifier: MIT
"""What the pages of docs/recipes tell the reader to do, works: each block comes out of its page and is run, or read.

Clients that Debian has are run against a local authority, by the words of the page; only names and paths are replaced,
by the table in `machine`. Files for programs that cannot be had here are parsed and compared with what those programs
know. test_recipes_netns.py has the blocks for which a domain has to be looked at from the root.
"""

import http.server
import json
import re
import subprocess
import threading

import pytest
import yaml

from acmezone import BINARY, ROOT, run
from lab import certificate, clients
from lab.processes import ProgramFailed
from lab.recipes import BLOCKS, PAGES, Machine
from lab.zones import NAMES
from test_chain import running_chain

STAGING, PRODUCTION = (f"https://acme-{name}v02.api.letsencrypt.org/directory" for name in ("staging-", ""))


def shell(text):
    done = subprocess.run(["sh", "-n"], input=text, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def balanced(text):
    """Groovy and Caddyfiles, for whose parsers one would have to install a Java and a web server: brackets and quotes."""
    opened = []
    for token in re.findall(r"//[^\n]*|#[^\n]*|'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|[(){}\[\]'\"]", text):
        if token in "([{":
            opened.append({"(": ")", "[": "]", "{": "}"}[token])
        elif token in ")]}":
            assert opened and opened.pop() == token, f"a stray {token}"
        else:
            assert len(token) > 1, "a quote is not closed"
    assert not opened


PARSERS = {"sh": shell, "yaml": yaml.safe_load, "json": json.loads, "groovy": balanced,
           "caddyfile": balanced, "text": str}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_well_formed(name):
    PARSERS[BLOCKS[name].language](BLOCKS[name].text)


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", page.read_text()):
        other = page if not target else (page.parent / target)
        assert other.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", other.read_text(), re.M)
            assert anchor in [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles], anchor


def test_every_page_is_in_the_table_of_contents():
    listed = set(re.findall(r"^\| \[[^]]+\]\(([^)]+)\)", (PAGES / "README.md").read_text(), re.M))
    assert listed == {page.name for page in PAGES.glob("*.md")} - {"README.md"}


OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def test_options_of_ours_that_the_pages_name_exist():
    known = {name: set(OPTION.findall(run(name, "--help").stdout)) for name in ("hook", "check", "watch")}
    for page in PAGES.glob("*.md"):
        text = page.read_text().replace("\\\n", " ")
        for command, words in re.findall(r"acmezone (hook|check|watch)\b([^\n|`']*)", text):
            assert set(OPTION.findall(words)) <= known[command], f"{page.name}: {command}{words}"


def first_cells(page, title):
    """The first column of the table below a title."""
    section = (PAGES / page).read_text().partition(f"## {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| (\w+) \|", section, re.M)[1:]


def test_the_runbook_has_every_exit_code_and_every_step():
    codes = re.findall(r"^  (\d+)  ", run("hook", "--help").stdout, re.M)
    assert first_cells("runbook.md", "By exit code of the hook") == codes
    steps = re.findall(r"^  (\w+) ", run("check", "--help").stdout.partition("Steps:\n")[2], re.M)
    assert first_cells("runbook.md", "By step of the check") == steps


def test_the_onboarding_has_every_state_of_the_watch():
    states = re.search(r"^States: (.*)\.$", run("watch", "--help").stdout, re.M)[1].split(", ")
    assert first_cells("onboarding.md", "States") == ["created", *states]


# Clients, against the authority.

CERTBOT_DEFAULTS = """\
server = {directory}
config-dir = {folder}
work-dir = {folder}
logs-dir = {folder}
non-interactive = true
agree-tos = true
no-random-sleep-on-renew = true
register-unsafely-without-email = true
"""
DEHYDRATED_DEFAULTS = """\
CA="{directory}"
BASEDIR="{folder}"
CURL_OPTS="--cacert {trusted}"
KEYSIZE="2048"
"""


class Reader:
    """A machine with the clients on it, an account for example.com, and the authority."""

    def __init__(self, chain):
        self.chain, self.lab, self.ca = chain, chain.lab, chain.ca
        self.machine = Machine(chain.lab, {
            "https://auth.example.org": chain.server.api, "https://auth2.example.org": chain.server.api,
            STAGING: chain.ca.directory, PRODUCTION: chain.ca.directory,
            "/etc/acmezone/": f"{chain.lab.folder}/", "/etc/lego": chain.lab.path("lego"),
            "cp deploy/": f"cp {ROOT}/deploy/"})
        env = clients.hook_environment(self.lab, chain.server.api, chain.account, resolver=chain.resolver)
        env["ACMEZONE_CREDENTIALS"] = str(self.lab.path("hook.json", json.dumps(
            {"example.com": {**chain.account, "server_url": chain.server.api}})))
        trusted = str(chain.ca.https_certificate)
        self.machine.env.update(env, REQUESTS_CA_BUNDLE=trusted, LEGO_CA_CERTIFICATES=trusted,
                                EXEC_SEQUENCE_INTERVAL="0", EXEC_POLLING_INTERVAL="1")
        self.machine.command("systemctl", f'echo "$@" >>{self.lab.path("systemctl.said")}\n')
        folder = self.lab.path(".config/letsencrypt")
        folder.mkdir(parents=True)
        (folder / "cli.ini").write_text(CERTBOT_DEFAULTS.format(directory=chain.ca.directory,
                                                                folder=self.lab.path("certbot")))
        resolver = "{}:{}".format(*chain.resolver)
        self.machine.command("lego", f'exec /usr/bin/lego --server {chain.ca.directory} --dns.resolvers {resolver} '
                                     '--dns.disable-cp "$@"\n')
        uacme = [*clients.in_place_of("/etc/ssl/certs/ca-certificates.crt", trusted), "/usr/bin/uacme"]
        self.machine.command("uacme", 'exec {} -c {} -a {} "$@"\n'.format(
            " ".join(f"'{word}'" for word in uacme), self.lab.path("uacme"), chain.ca.directory))

    def run(self, name, **how):
        return self.machine.run(name, **how)

    def verify(self, path):
        """The file is a certificate for what the pages ask for."""
        assert certificate.read(self.lab, path).names == sorted(NAMES)
        certificate.verify(self.lab, path, self.ca.root())


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    with running_chain(tmp_path_factory.mktemp("recipes")) as chain:
        yield Reader(chain)


@pytest.mark.parametrize("name", ["certbot-register", "lego-register", "dehydrated-register"])
def test_the_record_to_create_is_printed(reader, name):
    assert f"_acme-challenge.example.com. 300 IN CNAME {reader.chain.account['fulldomain']}." in reader.run(name)


def test_certbot_rehearses_issues_and_renews(reader):
    folder = reader.lab.path("certbot")
    reader.run("certbot-rehearse")
    assert not (folder / "live/example.com").exists()
    reader.run("certbot-issue")
    reader.verify(folder / "live/example.com/fullchain.pem")
    assert reader.lab.path("systemctl.said").read_text() == "reload nginx\n"
    assert "simulated renewals succeeded" in reader.run("certbot-renew")


def test_lego_issues_by_the_hook_and_lets_a_fresh_certificate_be(reader):
    reader.run("lego-exec")
    path = reader.lab.path("lego/certificates/example.com.crt")
    reader.verify(path)
    before = path.read_bytes()
    assert "no renewal" in reader.run("lego-renew")
    assert path.read_bytes() == before


def test_the_file_of_accounts_is_what_legos_own_provider_reads(reader):
    """goacmedns wants these of each account, as texts, and looks domains up by their bare names."""
    said = reader.lab.path("lego.said")
    reader.machine.command("lego-asked", f'echo "$ACME_DNS_API_BASE $ACME_DNS_STORAGE_PATH $*" >{said}\n')
    text = reader.machine.text("lego-own").replace("\nlego ", "\nlego-asked ")
    reader.lab.run("lego-own", ["sh", "-eu", "-c", text], env=reader.machine.env)
    server, path, *words = said.read_text().split()
    assert server == reader.chain.server.api and ["--dns", "acme-dns"] == words[words.index("--dns"):][:2]
    accounts = json.loads(open(path, encoding="utf-8").read())
    assert {type(accounts["example.com"][key]) for key in
            ("username", "password", "fulldomain", "subdomain", "server_url")} == {str}


def test_dehydrated_issues(reader):
    folder = reader.lab.path("dehydrated")
    folder.mkdir()
    (folder / "domains.txt").write_text(reader.machine.text("dehydrated-domains"))
    config = reader.lab.path("dehydrated.conf", DEHYDRATED_DEFAULTS.format(
        directory=reader.ca.directory, folder=folder, trusted=reader.ca.https_certificate) +
        reader.machine.text("dehydrated-config"))
    reader.machine.command("dehydrated", f'exec /usr/bin/dehydrated -f {config} "$@"\n')
    reader.run("dehydrated-run")
    reader.verify(folder / "certs/example.com/fullchain.pem")


def test_uacme_issues(reader):
    reader.run("uacme-run")
    reader.verify(reader.lab.path("uacme/example.com/cert.pem"))


# acme.sh as its provider scripts see it: these functions are those of acme.sh, with its files.
ACME_SH = r"""
home=$HOME/.acme.sh
_save() { touch "$1" && sed -i "/^$2=/d" "$1" && printf "%s='%s'\n" "$2" "$3" >>"$1"; }
_read() { [ ! -f "$1" ] || (eval "$(grep "^$2=" "$1")"; eval "printf %s \"\$$2\""); }
_saveaccountconf_mutable() { _save "$home/account.conf" "SAVED_$1" "$2"; }
_readaccountconf_mutable() { _read "$home/account.conf" "SAVED_$1"; }
_info() { printf '%s\n' "$*"; }
_err() { printf '%s\n' "$*" >&2; return 1; }
_debug() { :; }
domains=
while [ $# -gt 0 ]; do
    case $1 in
    -d) domains="$domains $2"; shift ;;
    --dns) provider=$2; shift ;;
    --server | --dnssleep) shift ;;
    esac
    shift
done
[ ! -f "$home/dnsapi/$provider.sh" ] || . "$home/dnsapi/$provider.sh"
"${provider}_add" _acme-challenge.example.com "$VALUE_1" || exit 1
"${provider}_add" _acme-challenge.example.com "$VALUE_2" || exit 1
"${provider}_rm" _acme-challenge.example.com "$VALUE_1" || exit 1
"${provider}_rm" _acme-challenge.example.com "$VALUE_2"
"""


def values(letters):
    return {f"VALUE_{number}": letter * 43 for number, letter in enumerate(letters, 1)}


def test_acme_sh_publishes_by_the_hook_and_remembers_the_server(reader):
    reader.lab.path(".acme.sh/dnsapi").mkdir(parents=True)
    reader.machine.command("acme.sh", ACME_SH)
    reader.run("acmesh-install")
    reader.run("acmesh-issue", env={**values("pq"), "ACMEZONE_SERVER": ""})
    assert reader.chain.values() == ["p" * 43, "q" * 43]
    conf = reader.lab.path(".acme.sh/account.conf").read_text()
    assert reader.chain.server.api in conf and reader.chain.account["password"] not in conf
    reader.lab.run("acmesh-cron", ["acme.sh", "--dns", "dns_acmezone"],
                   env={**reader.machine.env, **values("rs"), "ACMEZONE_SERVER": ""})
    assert reader.chain.values() == ["r" * 43, "s" * 43]


def test_acme_shs_own_provider_gets_the_account_of_the_file(reader):
    said = reader.lab.path("acmedns.said")
    reader.machine.command("acme.sh", 'echo "$ACMEDNS_BASE_URL $ACMEDNS_USERNAME $ACMEDNS_PASSWORD $ACMEDNS_SUBDOMAIN '
                                      f'$*" >{said}\n')
    reader.run("acmesh-own")
    account = reader.chain.account
    assert said.read_text().split()[:4] == [reader.chain.server.api, account["username"], account["password"],
                                            account["subdomain"]]


# Pipelines.

class Vault(http.server.ThreadingHTTPServer):
    """As much of Vault as the pipelines use: a login by JWT, one token, one secret (KV version 2, check-and-set).

    And as much of GitHub as gives a workflow its JWT.
    """

    TOKEN, SECRET, JWT = "hvs.of-this-run", "kv/data/acme/example.com", "identity-of-the-job"
    ROLE = "certificate-example-com"

    def __init__(self, accounts, **data):
        super().__init__(("127.0.0.1", 0), VaultCall)
        self.url = "http://{}:{}".format(*self.server_address)
        self.data, self.version, self.is_revoked = {"accounts": accounts, **data}, 1, False

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception):
        self.shutdown()
        self.server_close()


class VaultCall(http.server.BaseHTTPRequestHandler):
    """One request to it."""

    def answer(self, status, body=None):
        text = json.dumps(body).encode() if body else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def is_for(self, path):
        return self.headers["X-Vault-Token"] == Vault.TOKEN and self.path == f"/v1/{path}"

    def do_GET(self):
        vault = self.server
        if self.path == f"/oidc?&audience={vault.url}" and self.headers["Authorization"] == "Bearer of-the-runner":
            return self.answer(200, {"value": Vault.JWT})
        if not self.is_for(Vault.SECRET):
            return self.answer(403)
        return self.answer(200, {"data": {"data": vault.data, "metadata": {"version": vault.version}}})

    def do_POST(self):
        vault = self.server
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        if self.path == "/v1/auth/jwt/login" and body == {"role": Vault.ROLE, "jwt": Vault.JWT}:
            return self.answer(200, {"auth": {"client_token": Vault.TOKEN}})
        if self.is_for("auth/token/revoke-self"):
            vault.is_revoked = True
            return self.answer(204)
        if not self.is_for(Vault.SECRET):
            return self.answer(403)
        if body["options"]["cas"] != vault.version:
            return self.answer(400, {"errors": ["check-and-set parameter did not match the current version"]})
        vault.data, vault.version = body["data"], vault.version + 1
        return self.answer(200, {"data": {"version": vault.version}})

    def log_message(self, *_args):
        pass


def renew(reader, vault, commands=""):
    """Runs the pipelines' script; returns what it said. commands is a folder of those that take the place of others."""
    script = reader.lab.path("renew.sh", reader.machine.text("renew.sh"))
    return reader.lab.run("renew", ["sh", script, "example.com"], env={
        **reader.machine.env, "PATH": f"{commands}:{reader.machine.env['PATH']}", "ACME_EMAIL": "you@example.com",
        "ACMEZONE_SERVER": reader.chain.server.api, "VAULT_ADDR": vault.url, "VAULT_TOKEN": Vault.TOKEN,
        "TMPDIR": str(reader.lab.folder)})


def accounts_of(reader):
    return reader.lab.path("hook.json").read_text()


@pytest.fixture(scope="module")
def renewed(reader):
    """What is in Vault after a renewal."""
    with Vault(accounts_of(reader)) as vault:
        assert "example.com: renewed" in renew(reader, vault)
        assert vault.version == 2 and vault.is_revoked
    return vault.data


def test_the_pipelines_script_leaves_account_key_and_certificate_in_vault_alone(reader, renewed):
    state, packed = reader.lab.path("state"), reader.lab.path("state.txt", renewed["lego"])
    state.mkdir()
    reader.lab.run("unpack", ["sh", "-c", f"base64 -d {packed} | tar -xz -C {state}"])
    reader.verify(state / "certificates/example.com.crt")
    assert {path.name for path in state.rglob("*.key")} == {"you@example.com.key", "example.com.key"}
    assert renewed["accounts"] == accounts_of(reader)
    assert not list(reader.lab.folder.glob("tmp.*")), "secrets were left on the runner"


def test_the_pipelines_script_lets_a_fresh_certificate_be(reader, renewed):
    with Vault(**renewed) as vault:
        assert "good for 30 days" in renew(reader, vault)
        assert vault.version == 1 and vault.is_revoked, "nothing was written"


def test_the_pipelines_script_does_not_overwrite_what_another_job_wrote(reader, monkeypatch, tmp_path):
    lego = tmp_path / "lego"
    lego.symlink_to("/bin/true")
    with Vault(accounts_of(reader)) as vault:
        read = VaultCall.do_GET

        def read_while_another_job_writes(call):
            read(call)
            vault.version += 1

        monkeypatch.setattr(VaultCall, "do_GET", read_while_another_job_writes)
        with pytest.raises(ProgramFailed, match="error: 400"):
            renew(reader, vault, commands=tmp_path)
        assert "lego" not in vault.data and vault.is_revoked


def test_the_pipelines_script_asks_no_authority_when_the_rehearsal_fails(reader):
    """And ends with the hook's exit code: here, that of wrong credentials."""
    wrong = {"example.com": {**reader.chain.account, "password": "x" * 40}}
    with Vault(json.dumps(wrong)) as vault:
        with pytest.raises(ProgramFailed, match="ended with 5"):
            renew(reader, vault)
        assert "acme: " not in reader.lab.log("renew") and vault.version == 1


def parsed(name):
    return yaml.safe_load(BLOCKS[name].text)


def run_job(reader, vault, script, env):
    """Runs what a pipeline's job runs, in a folder that has the script of the page."""
    folder = reader.lab.path("checkout")
    folder.mkdir(exist_ok=True)
    (folder / "renew.sh").write_text(reader.machine.text("renew.sh"))
    (folder / "sleep").unlink(missing_ok=True)
    (folder / "sleep").symlink_to("/bin/true")
    addresses = {"https://vault.example.org": vault.url, "https://auth.example.org": reader.chain.server.api}
    env = {key: addresses.get(value, value) for key, value in env.items()}
    return reader.lab.run("job", ["sh", "-ec", f"cd {folder}\n{script}"], env={
        **reader.machine.env, **env, "PATH": f"{folder}:{reader.machine.env['PATH']}"})


def test_github_runs_one_job_at_a_time_with_a_token_of_its_own(reader, renewed):
    workflow = parsed("github")
    triggers = workflow[True]  # YAML 1.1 reads "on" so
    assert set(workflow) == {"name", True, "concurrency", "permissions", "jobs"}
    assert re.fullmatch(r"\d+ \d+ \* \* \*", triggers["schedule"][0]["cron"]) and "workflow_dispatch" in triggers
    assert workflow["concurrency"] == {"group": "certificate-example.com", "cancel-in-progress": False}
    assert workflow["permissions"] == {"contents": "read", "id-token": "write"}
    job = workflow["jobs"]["renew"]
    assert set(job) == {"runs-on", "timeout-minutes", "steps"}
    checkout, jitter, last = job["steps"]
    assert set(checkout) == {"uses"} and set(jitter) == {"name", "if", "run"} and set(last) == {"name", "env", "run"}
    assert jitter["run"].startswith("sleep ")
    assert last["env"]["VAULT_ADDR"] in json.loads(BLOCKS["vault-role"].text)["bound_audiences"]
    assert_wants_met(last["run"].splitlines()[-1], {**last["env"], "VAULT_TOKEN": "of the login"})
    with Vault(**renewed) as vault:
        said = run_job(reader, vault, last["run"], {
            **last["env"], "ACTIONS_ID_TOKEN_REQUEST_URL": f"{vault.url}/oidc?",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-the-runner"})
        assert "good for 30 days" in said and vault.is_revoked


def assert_wants_met(command, env):
    """The script is called with all that it says it wants."""
    assert command == "sh renew.sh example.com"
    wants = re.search(r"Wants ([^.]*)\.", BLOCKS["renew.sh"].text)[1]
    assert set(re.findall(r"\w+_\w+", wants)) <= set(env)


GITLAB_JOB = {"rules", "resource_group", "interruptible", "timeout", "tags", "id_tokens", "variables", "script"}


def test_gitlab_runs_one_job_at_a_time_with_a_token_of_its_own(reader, renewed):
    job = parsed("gitlab")["renew"]
    assert set(job) == GITLAB_JOB and job["resource_group"] == "certificate-example.com"
    assert set(job["id_tokens"]["VAULT_JWT"]) == {"aud"} and job["interruptible"] is False
    assert job["script"][0].startswith("sleep "), "before there is a token that would be ageing"
    assert_wants_met(job["script"][-1], {**job["variables"], "VAULT_TOKEN": "of the login"})
    with Vault(**renewed) as vault:
        said = run_job(reader, vault, "\n".join(job["script"]), {**job["variables"], "VAULT_JWT": Vault.JWT})
        assert "good for 30 days" in said and vault.is_revoked


def test_jenkins_runs_one_job_at_a_time_with_a_token_of_its_own():
    text = BLOCKS["Jenkinsfile"].text
    for part in ("pipeline {", "disableConcurrentBuilds()", "lock(resource: 'certificate-example.com')", "cron('H H",
                 "VaultTokenCredentialBinding", "sh 'sh renew.sh example.com'"):
        assert part in text
    env = dict.fromkeys(re.findall(r"^ +(\w+) = '", text, re.M))
    assert_wants_met("sh renew.sh example.com", {**env, "VAULT_ADDR": "", "VAULT_TOKEN": ""})


def test_vaults_role_is_short_lived_and_reaches_one_secret():
    role, policy = (json.loads(BLOCKS[name].text) for name in ("vault-role", "vault-policy"))
    assert role["token_ttl"] == role["token_max_ttl"] == "30m"
    assert set(policy["path"]) == {"kv/data/acme/example.com", "auth/token/revoke-self"}
    assert all(role[key] for key in ("user_claim", "bound_audiences", "bound_claims", "token_policies"))


# The fallback.

def test_the_fallback_publishes_both_values_by_lexicon_when_every_server_is_down(reader):
    """A stand-in for Lexicon keeps the zone in a file; the hook returns when both values are in it."""
    machine, lab = reader.machine, reader.lab
    zone = lab.path("zone", "_acme-challenge.example.com CNAME somewhere\n")
    machine.command("lexicon", f"""
        [ "$1 $3 $5" = "cloudflare example.com --name" ] && [ -n "$LEXICON_CLOUDFLARE_AUTH_TOKEN" ] || exit 2
        case "$2 $7" in
        "delete ") grep -q "^$6 $4" {zone} && sed -i "/^$6 $4/d" {zone} ;;
        "create --content") echo "$6 $4 $8" >>{zone} ;;
        *) exit 2 ;;
        esac
        """)
    lab.path("lexicon.env", machine.text("fallback-env"))
    machine.command("publish-with-lexicon", machine.text("fallback-script"))
    env = {**machine.env, "ACMEZONE_SERVER": "http://127.0.0.1:9,http://127.0.0.1:9/other", "ACMEZONE_NO_WAIT": "1",
           "ACMEZONE_DEADLINE": "12", "ACMEZONE_FALLBACK": str(machine.bin / "publish-with-lexicon")}
    told = values("fg")
    lab.run("fallback", [f"{BINARY}-hook", "publish", "example.com", told["VALUE_1"], "example.com", told["VALUE_2"]],
            env=env)
    assert zone.read_text().splitlines() == [f"_acme-challenge.example.com TXT {value}" for value in told.values()]
    reader.run("fallback-undo")
    assert zone.read_text() == f"_acme-challenge.example.com CNAME {reader.chain.account['fulldomain']}.\n"


def test_certbot_takes_the_command_line_with_the_fallback(reader):
    reader.machine.command("publish-with-lexicon", "exit 1\n")
    reader.run("fallback-certbot")


# The drill; test_drill.py has the real one.

def test_the_drill_of_the_runbook_takes_each_path_away_and_puts_it_back(reader, tmp_path):
    said = tmp_path / "said"
    for name, text in {"ssh": f'echo "$*" >>{said}', "certbot": f'echo "$1 $2 $3" >>{said}', "sleep": ":"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    text = BLOCKS["drill"].text.replace("deploy/", f"{ROOT}/deploy/")
    reader.lab.run("drill", ["sh", "-eu", "-c", text], env={"PATH": f"{tmp_path}:{reader.machine.env['PATH']}"})
    renew, stop, start = "renew --cert-name example.com", "{} systemctl stop acmezone", "{} systemctl start acmezone"
    down = [["auth"], ["auth2"], ["auth", "auth2"]]
    assert said.read_text().splitlines() == [renew, *(
        line for path in down
        for line in (*map(stop.format, path), renew, *map(start.format, path)))]


# Programs that cannot be had here.

def test_traefiks_files_hold_what_its_reference_knows():
    static, dynamic, compose = (parsed(f"traefik-{name}") for name in ("static", "dynamic", "compose"))
    resolver = static["certificatesResolvers"]["acmezone"]["acme"]
    assert set(resolver) == {"email", "storage", "caServer", "dnsChallenge"} and resolver["caServer"] == STAGING
    assert set(resolver["dnsChallenge"]) == {"provider", "resolvers"}
    assert resolver["dnsChallenge"]["provider"] == "acme-dns"
    router = dynamic["http"]["routers"]["shop"]
    assert router["tls"]["certResolver"] in static["certificatesResolvers"]
    assert set(router["entryPoints"]) <= set(static["entryPoints"])
    assert router["service"] in dynamic["http"]["services"]
    assert [router["tls"]["domains"][0]["main"], *router["tls"]["domains"][0]["sans"]] == NAMES
    service = compose["services"]["traefik"]
    assert set(service["environment"]) == {"ACME_DNS_API_BASE", "ACME_DNS_STORAGE_PATH"}
    assert service["environment"]["ACME_DNS_STORAGE_PATH"] in BLOCKS["traefik-register"].text
    assert [volume.split(":")[0] for volume in service["volumes"]][1:] == list(compose["volumes"])


def test_the_caddyfile_gives_the_module_the_registered_accounts():
    text = BLOCKS["caddyfile"].text
    assert re.search(r"^\t\tdns acmedns (\S+)$", text, re.M)[1] in BLOCKS["caddy-register"].text
    assert f"acme_ca {STAGING}" in text and re.search(r"^example\.com, \*\.example\.com \{$", text, re.M)


def test_cert_managers_objects_belong_together():
    """Their schema is judged by tests/helm/test_cert_manager_recipe.py."""
    secret, issuer, wanted = (parsed(f"cert-manager-{name}") for name in ("secret", "issuer", "certificate"))
    solver = issuer["spec"]["acme"]["solvers"][0]["dns01"]["acmeDNS"]
    assert set(solver) == {"host", "accountSecretRef"}
    assert solver["accountSecretRef"] == {"name": secret["metadata"]["name"], "key": "acmedns.json"}
    accounts = json.loads(secret["stringData"]["acmedns.json"])
    assert {name.removeprefix("*.") for name in wanted["spec"]["dnsNames"]} == set(accounts)
    for account in accounts.values():
        assert set(account) == {"username", "password", "fulldomain", "subdomain", "allowfrom"}
        assert len(account["password"]) == 40 and account["fulldomain"] == f"{account['subdomain']}.auth.example.org"
    assert wanted["spec"]["issuerRef"] == {"name": issuer["metadata"]["name"], "kind": "Issuer"}
    assert len({item["metadata"]["namespace"] for item in (secret, issuer, wanted)}) == 1
