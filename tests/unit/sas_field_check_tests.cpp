#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/unit/sas_samples.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace blobvalet::testing::sas_samples;

BOOST_AUTO_TEST_SUITE(sas_field_check_tests)

BOOST_AUTO_TEST_CASE(every_single_fault_is_named) {
  struct Row {
    const char* name;
    std::string url;
    std::string faults;
    std::string method = "PUT";
    std::string remote_addr = {};
  };
  const Parameters& s = kService;
  const Parameters& d = kDelegation;
  const std::string good = signed_url(kService);
  const Row rows[] = {
      {"expired", signed_url(with(s, "se", "2026-03-01T11:57:00Z")),
       "se: expired 3 min ago: sas.put_lifetime_seconds must cover the wait in the page's queue"},
      {"ends now", signed_url(with(s, "se", "2026-03-01T12:00:00Z")),
       "se: expired 0 s ago: sas.put_lifetime_seconds must cover the wait in the page's queue"},
      {"not yet valid", signed_url(with(s, "st", "2026-03-01T12:00:30Z")),
       "st: is not valid yet, for 30 s: a clock that is ahead, or sas.start_backdate_seconds"},
      {"starts behind its end", signed_url(with(s, "st", "2026-03-01T12:15:00Z")),
       "st: is not before se; st: is not valid yet, for 15 min: a clock that is ahead, or "
       "sas.start_backdate_seconds"},
      {"malformed expiry", signed_url(with(s, "se", "01.03.2026")),
       "se: must look like 2026-03-01T12:15:00Z"},
      {"an expiry that does not exist", signed_url(with(s, "se", "2026-02-30T12:15:00Z")),
       "se: must look like 2026-03-01T12:15:00Z"},
      {"an expiry without Z", signed_url(with(s, "se", "2026-03-01T12:15:00")),
       "se: must look like 2026-03-01T12:15:00Z"},
      {"malformed start", signed_url(with(s, "st", "yesterday")), "st: must look like 2026-03-01T12:15:00Z"},
      {"no letter for an upload", signed_url(with(s, "sp", "r")), "sp: lacks c or w for Put Blob"},
      {"c alone for a part", signed_url(with(s, "sp", "c")) + "&comp=block&blockid=MA%3D%3D",
       "sp: lacks w for Put Block; c alone makes new blobs in one piece only"},
      {"c alone for the list", signed_url(with(s, "sp", "c")) + "&comp=blocklist",
       "sp: lacks w for Put Block List; c alone makes new blobs in one piece only"},
      {"no letter for a delete", good, "sp: lacks d for Delete Blob", "DELETE"},
      {"no letter for reading", good, "sp: lacks r for reading", "GET"},
      {"no letter for HEAD", good, "sp: lacks r for reading", "HEAD"},
      {"no letter for tags", good + "&comp=tags", "sp: lacks t for Set Blob Tags"},
      {"no letter for metadata", signed_url(with(s, "sp", "c")) + "&comp=metadata",
       "sp: lacks w for metadata; c alone makes new blobs in one piece only"},
      {"letters in another order", signed_url(with(s, "sp", "wc")), "sp: letters must stand in the order cw"},
      {"a letter twice", signed_url(with(s, "sp", "cww")), "sp: has an unknown or repeated letter"},
      {"an unknown letter", signed_url(with(s, "sp", "cwz")), "sp: has an unknown or repeated letter"},
      {"http", signed_url(s, "http://acme.blob.core.windows.net/uploads/bob/a.txt"),
       "spr: allows https only, and the URL is http: AuthorizationProtocolMismatch"},
      {"a protocol of its own", signed_url(with(s, "spr", "http")), "spr: must be https or https,http"},
      {"another address", signed_url(with(s, "sip", "203.0.113.7")),
       "sip: 203.0.113.8 is not in 203.0.113.7: AuthorizationSourceIPMismatch", "PUT", "203.0.113.8"},
      {"below the range", signed_url(with(s, "sip", "203.0.113.7-203.0.113.9")),
       "sip: 203.0.113.6 is not in 203.0.113.7-203.0.113.9: AuthorizationSourceIPMismatch", "PUT",
       "203.0.113.6"},
      {"IPv6", signed_url(with(s, "sip", "203.0.113.7")), "sip: the client's address is not IPv4", "PUT",
       "2001:db8::1"},
      {"a malformed range", signed_url(with(s, "sip", "203.0.113.0/24")),
       "sip: must be an IPv4 address, or two joined by -"},
      {"a range the wrong way round", signed_url(with(s, "sip", "203.0.113.9-203.0.113.7")),
       "sip: its first address is above its last"},
      {"no version", signed_url(without(s, "sv")), "sv: is missing"},
      {"no expiry", signed_url(without(s, "se")), "se: is missing"},
      {"no letters", signed_url(without(s, "sp")), "sp: is missing"},
      {"no resource", signed_url(without(s, "sr")), "sr: is missing"},
      {"no signature", kUrl + "?" + query_of(s), "sig: is missing"},
      {"a version that is no date", replaced(good, "%32%30%32%33%2d%31%31%2d%30%33", "v3"),
       "sv: must be a date such as 2023-11-03"},
      {"encryption scope, old version", signed_url(with(with(s, "sv", "2019-12-12"), "ses", "scope")),
       "ses: needs sv 2020-12-06 or later, and it is 2019-12-12"},
      {"bound headers, old version", signed_url(with(d, "srh", "content-type")),
       "srh: needs sv 2026-04-06 or later, and it is 2023-11-03"},
      {"correlation id, old version", signed_url(with(with(d, "sv", "2018-11-09"), "scid", "x")),
       "scid: needs sv 2020-02-10 or later, and it is 2018-11-09"},
      {"a user's id, old version", signed_url(with(d, "sduoid", "x")),
       "sduoid: needs sv 2025-07-05 or later, and it is 2023-11-03"},
      {"tags, old version", signed_url(with(with(s, "sv", "2018-11-09"), "sp", "cwt")),
       "sp: letters t and x need sv 2019-12-12 or later, and it is 2018-11-09"},
      {"a delegation field", signed_url(with(s, "scid", "x")), "scid: belongs to user delegation SAS only"},
      {"a stored policy of a delegation SAS", signed_url(with(d, "si", "p")),
       "si: a user delegation SAS has no stored access policy"},
      {"an unknown resource", signed_url(with(s, "sr", "x")), "sr: must be b, c, d, bs or bv"},
      {"a blob, and no name", signed_url(s, "https://acme.blob.core.windows.net/uploads"),
       "sr: is for a blob, and the URL names none"},
      {"a directory without depth", signed_url(with(s, "sr", "d")), "sdd: is missing, and sr=d needs it"},
      {"a snapshot without time", signed_url(with(s, "sr", "bs")),
       "snapshot: is missing, and sr=bs needs it"},
      {"a version without id", signed_url(with(s, "sr", "bv")), "versionid: is missing, and sr=bv needs it"},
      {"a parameter twice", good + "&sp=cw", "sp: stands there twice"},
      {"a malformed escape", replaced(good, "sp=%63", "sp=%6"), "sp: has a malformed percent escape"},
      {"times encoded twice", replaced(good, "%3a", "%253a"), "se: has been percent-encoded twice"},
      {"a raw plus", kUrl + "?" + query_of(s) + "&sig=" + std::string(43, '+') + "=",
       "sig: has a raw +, which is read as a blank: it must be %2B"},
      {"a blank for a plus", kUrl + "?" + query_of(s) + "&sig=%20" + std::string(42, 'A') + "=",
       "sig: has a blank where a + was: somebody decoded it once too often"},
      {"a signature encoded twice", kUrl + "?" + query_of(s) + "&sig=%252B" + std::string(42, 'A') + "%253D",
       "sig: has been percent-encoded twice"},
      {"a signature cut off", kUrl + "?" + query_of(s) + "&sig=AAAA",
       "sig: is no base64 of 32 bytes (4 characters, not 44): cut off?"},
      {"no base64", kUrl + "?" + query_of(s) + "&sig=" + std::string(44, '!'),
       "sig: is no base64 of 32 bytes (44 characters, not 44): cut off?"},
      {"no key's id", signed_url(without(d, "skoid")), "skoid: is missing"},
      {"no key's end", signed_url(without(d, "ske")), "ske: is missing"},
      {"another service's key", signed_url(with(d, "sks", "q")), "sks: must be b"},
      {"a key's version that is no date", signed_url(with(d, "skv", "1")),
       "skv: must be a date such as 2023-11-03"},
      {"an expired key",
       signed_url(with(with(d, "ske", "2026-03-01T11:00:00Z"), "se", "2026-03-01T11:00:00Z")),
       "se: expired 60 min ago: sas.put_lifetime_seconds must cover the wait in the page's queue; ske: the "
       "user "
       "delegation key expired 60 min ago"},
      {"longer than its key", signed_url(with(d, "ske", "2026-03-01T12:10:00Z")),
       "se: is later than ske, the end of the user delegation key"},
      {"a key of tomorrow", signed_url(with(d, "skt", "2026-03-02T00:00:00Z")),
       "skt: the user delegation key is not valid yet: a clock?"},
      {"a key of eight days", signed_url(with(d, "ske", "2026-03-09T00:00:00Z")),
       "~ske: is more than seven days after skt: Azure gives no key for longer"},
      {"a malformed key's start", signed_url(with(d, "skt", "x")),
       "skt: must look like 2026-03-01T12:15:00Z"},
      {"a name encoded twice", signed_url(s, "https://acme.blob.core.windows.net/uploads/a%2520b"),
       "~blob: decoded it still holds an escape: \"a%20b\"; either that is its name, or the URL was encoded "
       "twice"},
      {"a name with a malformed escape", signed_url(s, "https://acme.blob.core.windows.net/uploads/100%"),
       "blob: has a malformed percent escape: a % in a name is %25 in a URL"},
      {"a raw blank", signed_url(s, "https://acme.blob.core.windows.net/uploads/a b"),
       "blob: has a raw blank, ? or #, which must be encoded"},
      {"a dot segment", signed_url(s, "https://acme.blob.core.windows.net/uploads/a/../b"),
       "blob: has a segment . or .. which URLs cannot carry"},
      {"a backslash", signed_url(s, "https://acme.blob.core.windows.net/uploads/a%5Cb"),
       "blob: has a backslash; use / between folders"},
      {"an empty segment", signed_url(s, "https://acme.blob.core.windows.net/uploads//b"),
       "~blob: has an empty segment (//): does request.endpoint end with a slash?"},
      {"no container's name", signed_url(s, "https://acme.blob.core.windows.net/Uploads/b"),
       "container: \"Uploads\" is no container's name"},
      {"letters changed", replaced(good, "sp=%63%77", "sp=rcw"),
       "sp: was changed after it was signed: the signature is for \"cw\""},
      {"protocol changed", replaced(good, query_of({{"spr", "https"}}), "spr=https,http"),
       "spr: was changed after it was signed: the signature is for \"https\""},
      {"a start put in", good + "&st=2026-03-01",
       "st: was changed after it was signed: the signature is for (empty)"},
      {"an expiry prolonged",
       replaced(good, query_of({{"se", "2026-03-01T12:15:00Z"}}), "se=2026-03-01T18:15:00Z"),
       "se: was changed after it was signed: the signature is for \"2026-03-01T12:15:00Z\""},
      {"an account's SAS", signed_url(without(with(with(s, "ss", "b"), "srt", "o"), "sr")), ""},
      {"a version before all that are known", replaced(good, "%32%30%32%33%2d%31%31%2d%30%33", "2012-02-12"),
       ""},
      {"another blob", replaced(good, "a.txt", "b.txt"),
       "sig: no key of the configuration makes it of these fields: another key (was it regenerated?), or a "
       "value that "
       "was changed after it was signed"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      SasCircumstances known = circumstances();
      known.method = row.method;
      known.remote_addr = row.remote_addr;
      BOOST_TEST(faults(explain(row.url, known)) == row.faults);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
