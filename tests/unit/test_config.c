// SPDX-License-Identifier: MIT
// Loading a configuration: what is told of unsound ones, what sound ones come to, the environment.
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DOMAIN "[general]\ndomain = \"auth.example.org\"\n"

// Messages, "E " or "W " in front of each, one a line.
static char told[8192];

static void tell(void *arg, bool is_error, const char *text)
{
    assert_ptr_equal(arg, told);
    size_t n = strlen(told);
    snprintf(told + n, sizeof told - n, "%s%s %s", n == 0 ? "" : "\n", is_error ? "E" : "W", text);
}

static const struct config_sink SINK = {.on_text = tell, .arg = told};

static struct conf *conf;

static enum err load(const char *text)
{
    config_free(conf);
    conf = NULL;
    told[0] = 0;
    enum err err = config_load_text(&conf, bytes_of_text(text), "F", SINK);
    assert_int_equal(err == ERR_OK, conf != NULL);
    assert_int_equal(err == ERR_OK, strncmp(told, "E ", 2) != 0 && strstr(told, "\nE ") == NULL);
    return err;
}

static void load_well(const char *text)
{
    if (load(text) != ERR_OK || told[0] != 0)
        fail_msg("%s", told);
}

static int clear(void **)
{
    for (char **at = environ; *at != NULL;) {
        if (strncmp(*at, "ACMEZONE_", 9) != 0) {
            at++;
            continue;
        }
        char name[100];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(*at, "="), *at);
        unsetenv(name);
        at = environ;
    }
    config_free(conf);
    conf = NULL;
    return 0;
}

static const char *const MESSAGES[][2] = {
    // One option
    {DOMAIN "[api]\nport = \"abc\"\n", "E F:4: [api] port: \"abc\" is not a number; allowed: 0 to 65535"},
    {DOMAIN "PROTOCOL = \"sctp\"\n",
     "E F:3: [general] protocol: \"sctp\" is not known; allowed: both, both4, both6, udp, udp4, udp6, tcp, tcp4, tcp6"},
    {DOMAIN "txt_limit = 65", "E F:3: [general] txt_values: 65 is out of range; allowed: 1 to 64"},
    {DOMAIN "protocol = \"a\\u001b[31m\\n\"", "E F:3: [general] protocol: \"a?[31m?\" is not known; allowed: both, "
                                              "both4, both6, udp, udp4, udp6, tcp, tcp4, tcp6"},
    // The text as a whole
    {DOMAIN "x = 1.5\n[api]\nport = \"abc\"", "E F:3: a float, which is not supported"},
    {DOMAIN "nsname = 'a'\nnsname = 'b'", "E F:4: a key for the second time, after line 3"},
    {DOMAIN "nsname = 'a'\nNSname = 'b'", "E F:4: [general] nsname: given a second time, after line 3"},
    {DOMAIN "txt_limit = 3\ntxt_values = 3", "E F:4: [general] txt_values: given a second time, after line 3"},
    // Unknown and gone
    {DOMAIN "colour = 'blue'", "W F:3: [general] colour: unknown, ignored"},
    {DOMAIN "txt_value = 3", "W F:3: [general] txt_value: unknown, ignored; did you mean [general] txt_values?"},
    {DOMAIN "recrods = []", "W F:3: [general] recrods: unknown, ignored; did you mean [general] records?"},
    {DOMAIN "workerss = 1", "W F:3: [general] workerss: unknown, ignored; did you mean [general] workers?"},
    {DOMAIN "protokol = 'x'", "W F:3: [general] protokol: unknown, ignored; did you mean [general] protocol?"},
    {DOMAIN "[apis]\nport = 1", "W F:4: [apis] port: unknown, ignored; did you mean [api] port?"},
    {DOMAIN "[apis]\nx = 1", "W F:4: [apis] x: unknown, ignored"},
    {"x = 1\n" DOMAIN, "W F:1: [] x: unknown, ignored"},
    {DOMAIN "\"a\\nb\" = 1", "W F:3: [general] a?b: unknown, ignored"},
    {DOMAIN "[api]\napi_domain = ''\nautocert_port = '80'", "W F:5: [api] autocert_port: has no effect here"},
    // Domains and names
    {"", "E F: [general] domain: missing; it wants at least one domain name"},
    {"[general]\ndomain = []", "E F:2: [general] domain: missing; it wants at least one domain name"},
    {"[general]\ndomain = 5", "E F:2: [general] domain: a number is not a list; allowed: 1 to 64 entries"},
    {"[general]\ndomain = 'bad..name'", "E F:2: [general] domain: \"bad..name\" is not a domain name"},
    {"[general]\ndomain = '.'", "E F:2: [general] domain: \".\" is not a domain name"},
    {"[general]\ndomain = '.org'", "E F:2: [general] domain: \".org\" is not a domain name"},
    {"[general]\ndomain = 'a.org..'", "E F:2: [general] domain: \"a.org..\" is not a domain name"},
    {"[general]\ndomain = 'a b.org'", "E F:2: [general] domain: \"a b.org\" is not a domain name"},
    {"[general]\ndomain = 'a\\.org'", "E F:2: [general] domain: \"a\\.org\" is not a domain name"},
    {"[general]\ndomain = 'münchen.example'", "E F:2: [general] domain: \"münchen.example\" is not a domain name"},
    {"[general]\ndomain = 'a.org, b.org, A.ORG.'", "E F:2: [general] domain: \"a.org\" stands there twice"},
    {DOMAIN "nsname = 'bad..name'", "E F:3: [general] nsname: \"bad..name\" is not a host name"},
    {DOMAIN "nsadmin = 'a b@example.org'", "E F:3: [general] nsadmin: \"a b@example.org\" is not a mail address"},
    {DOMAIN "nsadmin = '@example.org'", "E F:3: [general] nsadmin: \"@example.org\" is not a mail address"},
    {DOMAIN "nsadmin = 'a@'", "E F:3: [general] nsadmin: \"a@\" is not a mail address"},
    {DOMAIN "nsadmin = 'a@b@c'", "E F:3: [general] nsadmin: \"a@b@c\" is not a mail address"},
    // What does not go together
    {DOMAIN "listen = '127.0.0.1'", "E F:3: [general] listen: \"127.0.0.1\" is not an address with its port; allowed: "
                                    "192.0.2.1:53, [2001:db8::1]:53, :53"},
    {DOMAIN "listen = []", "E F:3: [general] listen: missing; it wants at least one address:port"},
    {DOMAIN "listen = '127.0.0.1:53'\nprotocol = 'udp6'",
     "E F:3: [general] listen: \"127.0.0.1:53\" does not go with protocol \"udp6\""},
    {DOMAIN "[database]\nengine = 'SQLite3'",
     "E F:4: [database] engine: \"sqlite3\" is a database of acme-dns; take it "
     "over with: acmezone import --from F -c /etc/acmezone/config.cfg"},
    {DOMAIN "[api]\nip = 'localhost'",
     "E F:4: [api] ip: \"localhost\" is not an address; allowed: 192.0.2.1, 2001:db8::1, ::"},
    {DOMAIN "listen = ':5353'\n[api]\ntls = 'letsencrypt'",
     "W F:3: [general] listen: tls = \"letsencrypt\": Let's Encrypt asks for the challenge at port 53, which must lead "
     "here"},
    {DOMAIN "protocol = 'tcp'\n[api]\ntls = 'letsencrypt'",
     "E F:3: [general] protocol: tls = \"letsencrypt\" needs DNS over UDP: that is how authorities ask for the "
     "challenge"},
    {DOMAIN "[api]\ntls = 'letsencrypt'\napi_domain = 'www.example.com'",
     "E F:5: [api] api_domain: \"www.example.com\" lies in none of the domains served here, so its challenge cannot be "
     "answered"},
    {DOMAIN "[api]\ntls = 'letsencrypt'\napi_domain = '-a.auth.example.org, a_b.auth.example.org'",
     "E F:5: [api] api_domain: \"-a.auth.example.org\" is no name that a certificate can be for"},
    {DOMAIN "[api]\ntls = 'letsencrypt'\nacme_directory = 'http://127.0.0.1/dir'",
     "E F:5: [api] acme_directory: \"http://127.0.0.1/dir\" is no https:// URL"},
    {DOMAIN "[api]\ntls = 'letsencrypt'\nacme_ca_file = 'ca.pem'",
     "E F:5: [api] acme_ca_file: it is for acme_directory, which is not set"},
    {DOMAIN "[api]\ntls = 'letsencryptstaging'\nnotification_email = '--help'",
     "E F:5: [api] notification_email: \"--help\" is not a mail address"},
    {DOMAIN "[api]\ntls = 'cert'\ntls_cert_privkey = 'k'",
     "E F:4: [api] tls: \"cert\" needs tls_cert_privkey and tls_cert_fullchain"},
    {DOMAIN "[api]\nhsts_enabled = true", "W F:4: [api] hsts_enabled: has no effect with tls = \"none\""},
    {DOMAIN "[api]\nuse_header = true\ntrusted_proxies = []",
     "W F:4: [api] use_header: has no effect, since trusted_proxies is empty"},
    {DOMAIN "[api]\nuse_header = true\nheader_name = 'X Y'",
     "E F:5: [api] header_name: \"X Y\" is not the name of a header"},
    {DOMAIN "[api]\nuse_header = true\nheader_name = ''", "E F:5: [api] header_name: \"\" is not the name of a header"},
    {DOMAIN "[api]\nargon2_memory_kib = 31\nargon2_lanes = 4",
     "E F:4: [api] argon2_memory_kib: 31 KiB is too little for 4 lanes; they need 8 KiB each"},
    {DOMAIN "[api]\nregistration_tokens = ['a:secret-0123456789', 'b:secret-9876543210', 'c:secret-0123456789']",
     "E F:4: [api] registration_tokens: entries 1 and 3 have the same token"},
    {DOMAIN "[logconfig]\nlogtype = 'both'", "E F:4: [logconfig] logtype: \"both\" needs logfile"},
    // All at once
    {"[general]\nprotocol = 'x'\nx = 1\nworkers = -1\n[api]\ntls = 'cert'",
     "E F:2: [general] protocol: \"x\" is not known; allowed: both, both4, both6, udp, udp4, udp6, tcp, tcp4, tcp6\n"
     "W F:3: [general] x: unknown, ignored\n"
     "E F:4: [general] workers: -1 is out of range; allowed: 0 to 256\n"
     "E F: [general] domain: missing; it wants at least one domain name\n"
     "E F:6: [api] tls: \"cert\" needs tls_cert_privkey and tls_cert_fullchain"},
};

static void what_is_wrong_is_told_with_its_place_and_what_is_allowed(void **)
{
    for (size_t i = 0; i < sizeof MESSAGES / sizeof *MESSAGES; i++) {
        enum err err = load(MESSAGES[i][0]);
        assert_string_equal(told, MESSAGES[i][1]);
        assert_int_equal(err, strncmp(told, "E ", 2) == 0 || strstr(told, "\nE ") ? ERR_SYNTAX : ERR_OK);
    }
}

static void labels_and_names_have_their_longest(void **)
{
    char text[400] = "[general]\ndomain = \"";
    size_t n = strlen(text);
    for (int i = 0; i < 216; i++)
        text[n + (size_t)i] = i % 64 == 63 ? '.' : 'x';
    strcpy(text + n + 216, "\"\n");
    load_well(text);
    assert_int_equal(strlen(conf->general_domain.at[0]), 216);
    strcpy(text + n + 216, "x\"\n");
    assert_int_equal(load(text), ERR_SYNTAX);
    assert_non_null(strstr(told, "leaves no room for a subdomain"));
    memset(text + n, 'x', 64);
    strcpy(text + n + 64, ".org\"\n");
    assert_int_equal(load(text), ERR_SYNTAX);
    assert_non_null(strstr(told, "is not a domain name"));
}

static void names_come_in_one_shape(void **)
{
    load_well("[general]\ndomain = 'Auth.Example.ORG., other.example'\n");
    assert_int_equal(conf->general_domain.n, 2);
    assert_string_equal(conf->general_domain.at[0], "auth.example.org");
    assert_string_equal(conf->general_domain.at[1], "other.example");
    assert_string_equal(conf->general_nsname, "auth.example.org");
    assert_string_equal(conf->general_nsadmin, "hostmaster.auth.example.org");
    static const char *const CONTACTS[][2] = {
        {"admin.example.org", "admin.example.org"},           {"admin.example.org.", "admin.example.org"},
        {"admin@example.org", "admin.example.org"},           {"john.doe@example.org.", "john\\.doe.example.org"},
        {"john\\.doe.example.org", "john\\.doe.example.org"}, {"dns+acme@example.org", "dns+acme.example.org"},
    };
    for (size_t i = 0; i < sizeof CONTACTS / sizeof *CONTACTS; i++) {
        char text[200];
        snprintf(text, sizeof text, DOMAIN "nsname = 'NS1.example.org.'\nnsadmin = '%s'\n", CONTACTS[i][0]);
        load_well(text);
        assert_string_equal(conf->general_nsadmin, CONTACTS[i][1]);
        assert_string_equal(conf->general_nsname, "NS1.example.org");
    }
}

static const char *listens_of(struct listens listens)
{
    static char text[400];
    text[0] = 0;
    for (size_t i = 0; i < listens.n; i++) {
        char address[IP_TEXT_MAX];
        sprintf(text + strlen(text), "%s%s#%u", i == 0 ? "" : " ", ip_write(listens.at[i].ip, address),
                listens.at[i].port);
    }
    return text;
}

static void what_follows_from_the_options_is_worked_out(void **)
{
    load_well(DOMAIN);
    assert_string_equal(conf->file, "F");
    assert_string_equal(conf->records_place, "F: [general] records");
    assert_string_equal(listens_of(conf->dns_listens), "0.0.0.0#53 ::#53");
    assert_string_equal(listens_of(conf->api_listens), "0.0.0.0#443 ::#443");
    assert_true(conf->has_udp && conf->has_tcp);
    assert_true(conf->general_workers >= 1 && conf->api_hash_threads >= 1);
    assert_int_equal(conf->log.level, LOG_INFO);
    assert_false(conf->log.is_json);
    assert_null(conf->log.file);

    load_well("[general]\ndomain = 'a.org'\nprotocol = 'tcp4'\nlisten = ':5300'\nworkers = 3\nrecords = 'a.org. A "
              "192.0.2.1'\n"
              "[api]\nip = '127.0.0.1, [::1], 127.0.0.1'\nport = '0'\nhash_threads = 2\n"
              "[logconfig]\nlogtype = 'both'\nlogfile = 'x.log'\nlogformat = 'JSON'\nloglevel = 'warning'");
    assert_string_equal(conf->records_place, "F:6: [general] records");
    assert_string_equal(listens_of(conf->dns_listens), "0.0.0.0#5300");
    assert_string_equal(listens_of(conf->api_listens), "127.0.0.1#0 ::1#0");
    assert_true(!conf->has_udp && conf->has_tcp);
    assert_int_equal(conf->general_workers, 3);
    assert_int_equal(conf->api_hash_threads, 2);
    assert_int_equal(conf->log.level, LOG_WARN);
    assert_true(conf->log.is_json && conf->log.is_stdout_as_well);
    assert_string_equal(conf->log.file, "x.log");

    load_well("[general]\ndomain = 'a.org'\ndebug = true\nprotocol = 'udp6'\n[api]\nip = "
              "'0.0.0.0'\n[logconfig]\nlogtype = 'file'\n"
              "logfile = 'x'\nloglevel = 'error'");
    assert_string_equal(listens_of(conf->dns_listens), "::#53");
    assert_string_equal(listens_of(conf->api_listens), "0.0.0.0#443");
    assert_true(conf->has_udp && !conf->has_tcp);
    assert_int_equal(conf->log.level, LOG_DEBUG);
    assert_false(conf->log.is_stdout_as_well);
}

static void an_empty_word_is_as_good_as_none(void **)
{
    load_well(DOMAIN
              "protocol = ''\n[logconfig]\nlogtype = ''\nlogformat = ''\nloglevel = ''\n[api]\nheader_name = ''");
    assert_string_equal(conf->general_protocol, "both");
    assert_string_equal(conf->logconfig_logtype, "stdout");
    assert_int_equal(conf->log.level, LOG_INFO);
}

static void the_environment_overrides_the_file(void **)
{
    setenv("ACMEZONE_GENERAL_DOMAIN", "a.org,b.org", 1);
    setenv("ACMEZONE_GENERAL_LISTEN", "[::1]:53", 1);
    setenv("ACMEZONE_GENERAL_RECORDS", "[\"a.org. TXT \\\"x, y\\\"\", 'b.org. A 192.0.2.1']", 1);
    setenv("ACMEZONE_GENERAL_DEBUG", "TRUE", 1);
    setenv("ACMEZONE_DATABASE_ENGINE", "lmdb", 1);
    setenv("ACMEZONE_DATABASE_MAP_SIZE", "2MiB", 1);
    setenv("ACMEZONE_API_PORT", "8053", 1);
    setenv("ACMEZONE_API_CORSORIGINS", "", 1);
    setenv("ACMEZONE_API_REGISTRATION_ALLOWFROM", "[]", 1);
    load_well("[general]\nlisten = ':1'\nrecords = 'x'\n[database]\nengine = 'sqlite3'\n[api]\nport = 80\ncorsorigins "
              "= ['*']\n"
              "registration_allowfrom = '10.0.0.0/8'");
    assert_int_equal(conf->general_domain.n, 2);
    assert_string_equal(listens_of(conf->dns_listens), "::1#53");
    assert_int_equal(conf->general_records.n, 2);
    assert_string_equal(conf->general_records.at[0], "a.org. TXT \"x, y\"");
    assert_string_equal(conf->records_place, "ACMEZONE_GENERAL_RECORDS");
    assert_int_equal(conf->log.level, LOG_DEBUG);
    assert_int_equal(conf->database_map_size, 2 << 20);
    assert_int_equal(conf->api_port, 8053);
    assert_int_equal(conf->api_corsorigins.n, 0);
    assert_int_equal(conf->api_registration_allowfrom.n, 0);
}

static void what_is_wrong_in_the_environment_is_told_by_its_variable(void **)
{
    setenv("ACMEZONE_API_PORT", "http", 1);
    setenv("ACMEZONE_API_IP", "[\"::1\"", 1);
    setenv("ACMEZONE_GENERAL_DOMAIN", "bad..name", 1);
    setenv("ACMEZONE_API_REGISTRATION_TOKENS", "secret", 1);
    assert_int_equal(load("[api]\nport = 80"), ERR_SYNTAX);
    assert_string_equal(
        told, "E ACMEZONE_API_IP: expected ',' or ']' in an array, found the end of the text\n"
              "E ACMEZONE_API_PORT: \"http\" is not a number; allowed: 0 to 65535\n"
              "E ACMEZONE_API_REGISTRATION_TOKENS: entry 1 does not begin with a name of A-Z a-z 0-9 - _ . and a "
              "colon; allowed: NAME:TOKEN, the token at least 16 of A-Z a-z 0-9 - _\n"
              "E ACMEZONE_GENERAL_DOMAIN: \"bad..name\" is not a domain name");
}

static void a_variable_that_is_almost_ours_is_warned_of(void **)
{
    setenv("ACMEZONE_API_PROT", "80", 1);
    setenv("ACMEZONE_BIN", "x", 1);
    setenv("ACMEZONE_APIS_PORT", "x", 1);
    assert_int_equal(load(DOMAIN), ERR_OK);
    assert_string_equal(told, "W ACMEZONE_API_PROT: unknown, ignored");
}

// As acme-dns ships it, but for the engine.
static const char ACME_DNS[] =
    "[general]\n# DNS interface\nlisten = \"127.0.0.1:53\"\nprotocol = \"both\"\ndomain = \"auth.example.org\"\n"
    "nsname = \"auth.example.org\"\nnsadmin = \"admin.example.org\"\nrecords = [\n    # a comment\n"
    "    \"auth.example.org. A 198.51.100.1\",\n    # another\n    \"auth.example.org. NS "
    "auth.example.org.\",\n]\ndebug = false\n\n"
    "[database]\nengine = \"lmdb\"\nconnection = \"/var/lib/acme-dns/acme-dns.db\"\n# connection = "
    "\"postgres://u:p@localhost/a\"\n\n"
    "[api]\nip = \"0.0.0.0\"\ndisable_registration = false\nport = \"443\"\ntls = \"none\"\n"
    "tls_cert_privkey = \"/etc/tls/example.org/privkey.pem\"\ntls_cert_fullchain = "
    "\"/etc/tls/example.org/fullchain.pem\"\n"
    "acme_cache_dir = \"api-certs\"\nnotification_email = \"\"\ncorsorigins = [\n    \"*\"\n]\nuse_header = false\n"
    "header_name = \"X-Forwarded-For\"\nhsts_enabled = false\nhsts_max_age = 31536000\nhsts_include_subdomains = "
    "false\n"
    "hsts_preload = false\n\n[logconfig]\nloglevel = \"warning\"\nlogtype = \"stdout\"\nlogfile = \"./acme-dns.log\"\n"
    "logformat = \"json\"\n";

static void an_acme_dns_file_is_read_without_a_word(void **)
{
    load_well(ACME_DNS);
    assert_int_equal(conf->general_records.n, 2);
    assert_string_equal(conf->general_nsadmin, "admin.example.org");
    assert_int_equal(conf->api_port, 443);
    assert_string_equal(conf->api_corsorigins.at[0], "*");
    assert_true(conf->log.is_json);
    assert_null(conf->log.file);
}

static void names_of_our_own_certificate_are_made_ready(void **)
{
    load_well("[general]\ndomain = 'Auth.Example.Org., b.example'\n[api]\ntls = 'letsencryptstaging'\n");
    assert_true(conf->acme.is_on);
    assert_int_equal(conf->acme.names.n, 1);
    assert_string_equal(conf->acme.names.at[0], "auth.example.org");
    assert_string_equal(conf->acme.directory, "https://acme-staging-v02.api.letsencrypt.org/directory");
    load_well("[general]\ndomain = 'auth.example.org, b.example'\n"
              "[api]\ntls = 'letsencrypt'\napi_domain = 'B.example, NS1.auth.example.org.'\n"
              "acme_directory = 'https://ca.example/dir'\n");
    assert_int_equal(conf->acme.names.n, 2);
    assert_string_equal(conf->acme.names.at[0], "b.example");
    assert_string_equal(conf->acme.names.at[1], "ns1.auth.example.org");
    assert_string_equal(conf->acme.directory, "https://ca.example/dir");
    load_well("[general]\ndomain = 'auth.example.org'\n");
    assert_false(conf->acme.is_on);
}

static void no_message_holds_a_token(void **)
{
    static const char *const TOKENS[] = {"'a:secret'",
                                         "['secret-0123456789abcdef']",
                                         "'a:secret 0123456789abcdef'",
                                         "secret",
                                         "[secret]",
                                         "['a:secret-0123456789abcdef', 'b:secret-0123456789abcdef']",
                                         "\"a:secret",
                                         "['a:secret-0123456789abcdef' 'b:secret-0123456789abcdeg']"};
    for (size_t i = 0; i < sizeof TOKENS / sizeof *TOKENS; i++) {
        char text[300];
        snprintf(text, sizeof text, DOMAIN "[api]\nregistration_tokens = %s\n", TOKENS[i]);
        assert_int_equal(load(text), ERR_SYNTAX);
        assert_null(strstr(told, "secret"));
        assert_non_null(strstr(told, "F:4: "));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_wrong_is_told_with_its_place_and_what_is_allowed, clear, clear),
        cmocka_unit_test_setup_teardown(labels_and_names_have_their_longest, clear, clear),
        cmocka_unit_test_setup_teardown(names_come_in_one_shape, clear, clear),
        cmocka_unit_test_setup_teardown(what_follows_from_the_options_is_worked_out, clear, clear),
        cmocka_unit_test_setup_teardown(an_empty_word_is_as_good_as_none, clear, clear),
        cmocka_unit_test_setup_teardown(the_environment_overrides_the_file, clear, clear),
        cmocka_unit_test_setup_teardown(what_is_wrong_in_the_environment_is_told_by_its_variable, clear, clear),
        cmocka_unit_test_setup_teardown(a_variable_that_is_almost_ours_is_warned_of, clear, clear),
        cmocka_unit_test_setup_teardown(an_acme_dns_file_is_read_without_a_word, clear, clear),
        cmocka_unit_test_setup_teardown(names_of_our_own_certificate_are_made_ready, clear, clear),
        cmocka_unit_test_setup_teardown(no_message_holds_a_token, clear, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
