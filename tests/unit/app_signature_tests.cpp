// What the signature endpoint answers.
#include "tests/unit/app_bench.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace blobvalet::testing::app_bench;
using namespace std::literals;

BOOST_AUTO_TEST_SUITE(app_signature_tests)

BOOST_AUTO_TEST_CASE(a_signature_is_the_bare_uri) {
  struct Row {
    const char* name;
    std::string query;
    const char* answer;
    const char* logged;
  };
  const Row rows[] = {
      {"a PUT", query_for(kAcme + "uploads/bob/a.txt"),
       "200 text https://acme.blob.core.windows.net/uploads/bob/a.txt?sv=2023-11-03&spr=https&"
       "se=2026-03-01T12%3A15%3A00Z&sr=b&sp=cw&sig=EpMMVvbGhJ4Yayu1EttUsi6yUWw84n5bEOe00uEal4A%3D",
       "signature|id-1|bob|PUT|acme|uploads|bob/a.txt|own|ok||200"},
      {"a DELETE", query_for(kAcme + "uploads/bob/a.txt", "DELETE"),
       "200 text https://acme.blob.core.windows.net/uploads/bob/a.txt?sv=2023-11-03&spr=https&"
       "se=2026-03-01T12%3A05%3A00Z&sr=b&sp=d&sig=LLuyfL9d1Irtci5BVd2VZklWQB%2BX2qQI5Qxiimb3wGk%3D",
       "signature|id-1|bob|DELETE|acme|uploads|bob/a.txt|own|ok||200"},
      {"at an emulator", query_for("http://127.0.0.1:10000/devstoreaccount1/uploads/bob/a.txt"),
       "200 text http://127.0.0.1:10000/devstoreaccount1/uploads/bob/a.txt?sv=2023-11-03&spr=https%2Chttp&"
       "se=2026-03-01T12%3A15%3A00Z&sr=b&sp=cw&sig=T7s4UF21aX1O86HHx8NctQ4uQHr3ytj9%2FkT9Yt90aa4%3D",
       "signature|id-1|bob|PUT|devstoreaccount1|uploads|bob/a.txt|emulator|ok||200"},
      {"at an alias, which is signed as the same account",
       query_for("https://FILES.example.com/cdn/uploads/bob/a.txt"),
       "200 text https://files.example.com/cdn/uploads/bob/a.txt?sv=2023-11-03&spr=https&"
       "se=2026-03-01T12%3A15%3A00Z&sr=b&sp=cw&sig=EpMMVvbGhJ4Yayu1EttUsi6yUWw84n5bEOe00uEal4A%3D",
       "signature|id-1|bob|PUT|acme|uploads|bob/a.txt|own|ok||200"},
  };
  Bench bench;
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(bench.answer(get(row.query)) == row.answer);
      BOOST_TEST(bench.logged() == row.logged);
    }
  }
}

namespace {

/// The site with verification on, and limits for bob's rule.
std::string checked_site(std::string_view verify) {
  return site_with(
      R"("methods": ["PUT", "DELETE"]})",
      R"("methods": ["PUT", "DELETE"], "verify": {"enabled": true, )" + std::string(verify) + "}}");
}

constexpr std::string_view kPictures =
    R"("min_bytes": 1, "max_bytes": 1000, "content_types": ["image/*"], "extensions": ["png"])";

}  // namespace

BOOST_AUTO_TEST_CASE(what_the_callback_would_refuse_is_not_signed) {
  const std::string large = "422 json " + refusal_of_signature("blob: is too large", "blob_too_large");
  const std::string small = "422 json " + refusal_of_signature("blob: is too small", "blob_too_small");
  const std::string type = "422 json " + refusal_of_signature("blob: is of a type that is not allowed",
                                                              "content_type_not_allowed");
  const std::string extension =
      "422 json " +
      refusal_of_signature("blob: has a file name extension that is not allowed", "extension_not_allowed");
  const struct {
    const char* name;
    std::string blob;
    std::string hints;
    std::string answer;
  } rows[] = {
      {"too large", "bob/a.png", "&qqsize=1001", large},
      {"too large, as part 7", "bob/a.png", "&qqsize=1001&qqpart=7", large},
      {"too small", "bob/a.png", "&qqsize=0", small},
      {"of another type", "bob/a.png", "&qqsize=5&qqtype=text%2Fhtml", type},
      {"another extension, nothing said", "bob/a.exe", "", extension},
      {"another extension, all else fits", "bob/a.exe", "&qqsize=5&qqtype=image%2Fpng", extension},
      {"malformed", "bob/a.png", "&qqsize=x",
       "400 json " + refusal_of_signature("qqsize: must be a number of bytes that Azure stores in one blob",
                                          "bad_request")},
      {"twice", "bob/a.png", "&qqsize=1&qqsize=1",
       "400 json " + refusal_of_signature("query: gives qqsize, qqtype or qqpart more than once",
                                          "duplicate_parameter")},
      // Who may not upload at all hears nothing of what fits.
      {"somebody else's, and too large", "amy/a.png", "&qqsize=1001",
       "403 json " + refusal_of_signature("bloburi: is not allowed", "not_allowed")},
  };
  Bench bench(checked_site(kPictures));
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(bench.answer(get(query_for(kAcme + "uploads/" + row.blob) + row.hints)) == row.answer);
    }
  }
}

BOOST_AUTO_TEST_CASE(hints_change_nothing_about_what_is_signed) {
  Bench bench(checked_site(kPictures));
  const std::string query = query_for(kAcme + "uploads/bob/a.png");
  const std::string without = bench.answer(get(query));
  BOOST_TEST(without.starts_with("200 text https://acme.blob.core.windows.net/uploads/bob/a.png?sv="));
  for (const std::string hints : {"&qqsize=1", "&qqsize=1000", "&qqtype=image%2Fpng", "&qqpart=0",
                                  "&qqsize=5&qqtype=image%2Fgif&qqpart=3"}) {
    BOOST_TEST_CONTEXT(hints) {
      BOOST_TEST(bench.answer(get(query + hints)) == without);
    }
  }
  // Nothing that is said makes a rule fit which did not.
  for (const std::string hints :
       {"", "&qqsize=1", "&qqtype=image%2Fpng", "&qqsize=1&qqtype=image%2Fpng&qqpart=0"}) {
    BOOST_TEST_CONTEXT(hints) {
      BOOST_TEST(bench.answer(get(query_for(kAcme + "uploads/amy/a.png") + hints)).starts_with("403 "));
      BOOST_TEST(bench.answer(get(query + hints, "amy")).starts_with("403 "));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_checked_before_it_is_signed) {
  const struct {
    const char* name;
    std::string site;
    std::string query;
  } rows[] = {
      {"without hints, as ever", checked_site(kPictures), query_for(kAcme + "uploads/bob/a.png")},
      {"a DELETE of what may not be uploaded any more", checked_site(kPictures),
       query_for(kAcme + "uploads/bob/a.exe", "DELETE")},
      {"a DELETE with hints", checked_site(kPictures),
       query_for(kAcme + "uploads/bob/a.exe", "DELETE") + "&qqsize=9999&qqtype=text%2Fhtml"},
      {"another rule's blob", checked_site(kPictures),
       query_for(kAcme + "public-drop/a.exe") + "&qqsize=9999&qqtype=text%2Fhtml"},
      {"where nothing is verified",
       site_with(R"("verify": {"enabled": false)", R"("verify": {"enabled": false, "max_bytes": 5)"),
       query_for(kAcme + "uploads/bob/a.exe") + "&qqsize=9999"},
  };
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(Bench(row.site).answer(get(row.query)).starts_with("200 text https://acme.blob"));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_log_says_what_the_page_said) {
  Bench bench(checked_site(kPictures));
  (void)bench.answer(
      get(query_for(kAcme + "uploads/bob/a.png") + "&qqsize=1001&qqtype=image%2Fpng&qqpart=3"));
  BOOST_TEST(bench.logged() == "signature|id-1|bob|PUT|acme|uploads|bob/a.png|own|blob_too_large||422");
  BOOST_TEST(bench.event.file_size.value() == 1001U);
  BOOST_TEST(bench.event.file_type == "image/png");
  BOOST_TEST(bench.event.part.value() == 3U);
  (void)bench.answer(get(query_for(kAcme + "uploads/bob/a.png")));
  BOOST_TEST(!bench.event.file_size.has_value());
  BOOST_TEST(bench.event.file_type == "");
  BOOST_TEST(!bench.event.part.has_value());
}

BOOST_AUTO_TEST_CASE(nobody_may_upload_where_a_rule_says_so) {
  Bench bench;
  BOOST_TEST(bench.answer(get(query_for(kAcme + "public-drop/hello.txt"), "")) ==
             "200 text https://acme.blob.core.windows.net/public-drop/hello.txt?sv=2023-11-03&spr=https&"
             "se=2026-03-01T12%3A15%3A00Z&sr=b&sp=cw&sig=x%2BDEYF3L2O7i3TSpTbWOhkyjKjeG7Xl0kX8mnGq6jMw%3D");
  BOOST_TEST(bench.logged() == "signature|id-1||PUT|acme|public-drop|hello.txt|drop|ok||200");
}

BOOST_AUTO_TEST_CASE(values_that_nginx_passes_decide_too) {
  Bench bench;
  const std::string query = query_for(kAcme + "shared/t1/bob/x");
  Request request = get(query);
  request.vars = {{"tenant", "t1"}};
  BOOST_TEST(bench.answer(request) ==
             "200 text https://acme.blob.core.windows.net/shared/t1/bob/x?sv=2023-11-03&spr=https&"
             "se=2026-03-01T12%3A15%3A00Z&sr=b&sp=cw&sig=3UDu3OZpa%2F%2B6vBl1BIt587bKwcSiPBFdju1CBcYhkVY%3D");
  request.vars = {{"tenant", "t2"}};
  BOOST_TEST(bench.answer(request) ==
             "403 json " + refusal_of_signature("bloburi: is not allowed", "not_allowed"));
}

BOOST_AUTO_TEST_CASE(every_refusal_of_a_signature_is_small_json) {
  struct Row {
    const char* name;
    std::string query;
    const char* status;
    const char* error;
    const char* code;
    std::string_view user = "bob";
  };
  const std::string uri = kAcme + "uploads/bob/a.txt";
  const Row rows[] = {
      {"no query", "", "400", "_method: is missing", "missing_parameter"},
      {"no bloburi", "_method=PUT", "400", "bloburi: is missing", "missing_parameter"},
      {"two verbs", query_for(uri) + "&_method=DELETE", "400",
       "query: gives _method or bloburi more than once", "duplicate_parameter"},
      {"two blobs", query_for(uri) + "&bloburi=x", "400", "query: gives _method or bloburi more than once",
       "duplicate_parameter"},
      {"a broken escape", "_method=PUT&bloburi=%4", "400", "query: has a malformed percent escape",
       "bad_encoding"},
      {"no UTF-8", query_for(uri + "\xff"), "400", "blob name: is not valid UTF-8", "bad_encoding"},
      {"a lone surrogate", query_for(uri + "\xed\xa0\x80"), "400", "blob name: is not valid UTF-8",
       "bad_encoding"},
      {"a verb in lower case", query_for(uri, "put"), "400", "_method: must be PUT or DELETE", "bad_method"},
      {"reading", query_for(uri, "GET"), "400", "_method: must be PUT or DELETE", "bad_method"},
      {"no blob's URI", query_for("a.txt"), "403", kUnknownEndpoint, "unknown_endpoint"},
      {"an empty bloburi", query_for(""), "403", kUnknownEndpoint, "unknown_endpoint"},
      {"another host", query_for("https://evil.example/uploads/bob/a"), "403", kUnknownEndpoint,
       "unknown_endpoint"},
      {"a host that begins like ours", query_for("https://acme.blob.core.windows.net.evil.com/uploads/bob/a"),
       "403", kUnknownEndpoint, "unknown_endpoint"},
      {"ours as a user", query_for("https://acme.blob.core.windows.net@evil/uploads/bob/a"), "403",
       kUnknownEndpoint, "unknown_endpoint"},
      {"another port", query_for("https://acme.blob.core.windows.net:444/uploads/bob/a"), "403",
       kUnknownEndpoint, "unknown_endpoint"},
      {"another scheme", query_for("http://acme.blob.core.windows.net/uploads/bob/a"), "403",
       kUnknownEndpoint, "unknown_endpoint"},
      {"no legal container", query_for(kAcme + "UPLOADS/bob/a"), "403", "bloburi: is not allowed",
       "not_allowed"},
      {"a container without rules", query_for(kAcme + "nothing/bob/a"), "403", "bloburi: is not allowed",
       "not_allowed"},
      {"somebody else's folder", query_for(kAcme + "uploads/alice/a"), "403", "bloburi: is not allowed",
       "not_allowed"},
      {"a verb without rule", query_for(kAcme + "public-drop/a", "DELETE"), "403", "bloburi: is not allowed",
       "not_allowed"},
      {"a user of two segments", query_for(kAcme + "uploads/bob/x/a"), "403", "bloburi: is not allowed",
       "not_allowed", "bob/x"},
      {"a user of dots", query_for(kAcme + "uploads/bob/a"), "403", "bloburi: is not allowed", "not_allowed",
       ".."},
      {"nobody", query_for(uri), "403", "log in first", "login_required", ""},
      {"no name", query_for(kAcme + "uploads/"), "403", "blob name: is empty", "bad_blob_name"},
      {"an empty segment", query_for(kAcme + "uploads//bob/a"), "403", kEmptySegment, "bad_blob_name"},
      {"a trailing slash", query_for(uri + "/"), "403", kEmptySegment, "bad_blob_name"},
      {"a backslash", query_for(kAcme + "uploads/bob/a\\b"), "403",
       "blob name: has a backslash; use / between folders", "bad_blob_name"},
      {"dots", query_for(kAcme + "uploads/bob/../alice/a"), "403",
       "blob name: has a segment . or .. which URLs cannot carry", "bad_blob_name"},
      {"escaped dots", query_for(kAcme + "uploads/bob/%2e%2E/alice/a"), "403",
       "blob name: has a segment . or .. which URLs cannot carry", "bad_blob_name"},
      {"a NUL", query_for(uri + "\0.png"s), "403", "blob name: has a control, private-use or non-character",
       "bad_blob_name"},
      {"a line feed", query_for(uri + "\nX-Header: 1"), "403",
       "blob name: has a control, private-use or non-character", "bad_blob_name"},
      {"a name too long", query_for(kAcme + "uploads/bob/" + std::string(1021, 'a')), "403",
       "blob name: is longer than 1,024 characters", "bad_blob_name"},
      {"too many segments", query_for(kAcme + "uploads/bob/" + repeated("a/", 253) + "a"), "403",
       "blob name: has more than 254 segments", "bad_blob_name"},
  };
  Bench bench;
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(bench.answer(get(row.query, row.user)) ==
                 row.status + " json "s + refusal_of_signature(row.error, row.code));
      BOOST_TEST(bench.event.code == row.code);
      BOOST_TEST(std::to_string(static_cast<unsigned>(bench.event.status)) == row.status);
      BOOST_TEST(bench.event.rule == "");
    }
  }
}

BOOST_AUTO_TEST_CASE(other_methods_sign_nothing) {
  Bench bench;
  const std::string query = query_for(kAcme + "uploads/bob/a.txt");
  for (const char* method : {"", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "get", "GET "}) {
    BOOST_TEST_CONTEXT(method) {
      Request request = get(query);
      request.method = method;
      BOOST_TEST(bench.answer(request) ==
                 "405 json Allow=GET " +
                     refusal_of_signature("only GET is allowed here", "method_not_allowed"));
    }
  }
}

// The client adds only `&comp=block&blockid=...` to the URI.
BOOST_AUTO_TEST_CASE(any_legal_name_comes_back_encoded_exactly) {
  const std::string names[] = {
      "a",
      " ",
      "a b#c?d%20e+f",
      "#",
      "?",
      "??##",
      "%",
      "%41.txt",
      "%0a",
      "%00",
      "%2541",
      "100%",
      "a&sig=x&se=y",
      "a?sig=x#y",
      "a=b;c,d:e@f!g$h'i(j)k*l",
      "<script>\"'`{}|^[]~",
      "https:evil.example",
      "weird.p h#p",
      ".htaccess",
      "...",
      "a.",
      "a...b/..c/d..",
      "%2e%2e%2e",
      "caf\xc3\xa9",
      "cafe\xcc\x81",
      "\xe4\xb8\xad\xe6\x96\x87.txt",
      "\xf0\x9f\x98\x80 \xf0\x9f\x87\xaa\xf0\x9f\x87\xba.png",
      "\xe2\x80\xae"
      "exe.txt",
      "\xc2\xa0",
      "\xe2\x80\xa8line separator",
      repeated("\xe4\xb8\xad", 1020),
      repeated("\xf0\x9f\x98\x80", 510),
      repeated("a/", 252) + "a",
  };
  Bench bench;
  for (const std::string& name : names) {
    BOOST_TEST_CONTEXT(name) {
      const std::string query = query_for(kAcme + "uploads/bob/" + name);
      BOOST_REQUIRE(bench.answer(get(query)).starts_with("200 text "));
      const std::string& uri = bench.response.body;
      const std::size_t query_at = uri.find('?');
      BOOST_REQUIRE(query_at != std::string::npos);
      BOOST_TEST(uri.find('?', query_at + 1) == std::string::npos, "a second ?");
      BOOST_TEST(
          uri.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%/:?&=") ==
              std::string::npos,
          "an unescaped character in " << uri);
      BOOST_TEST(uri.substr(query_at).find('/') == std::string::npos, "a raw slash in the query");
      BOOST_TEST(unescaped(uri.substr(0, query_at)) == kAcme + "uploads/bob/" + name);
    }
  }
}

BOOST_AUTO_TEST_CASE(in_uri_mode_names_are_decoded_once) {
  struct Row {
    const char* name;
    std::string blob_uri;
    std::string answer;
  };
  const auto refused = [](const char* status, std::string_view error, std::string_view code) {
    return std::string(status) + " json " + refusal_of_signature(error, code);
  };
  const Row rows[] = {
      {"encodeURIComponent", "a%2520b%20c", "200 text " + kAcme + "uploads/bob/a%2520b%20c?"},
      {"not escaped", "\xc3\xa4 b", "200 text " + kAcme + "uploads/bob/%C3%A4%20b?"},
      {"a query", "a?b", refused("400", "bloburi: has a query or a fragment", "bad_request")},
      {"a fragment", "a#b", refused("400", "bloburi: has a query or a fragment", "bad_request")},
      {"a broken escape", "100%", refused("400", "bloburi: has a malformed percent escape", "bad_encoding")},
      {"escaped dots", "%2e%2e/alice/a",
       refused("403", "blob name: has a segment . or .. which URLs cannot carry", "bad_blob_name")},
      {"escaped slashes into another folder", "..%2falice%2fa",
       refused("403", "blob name: has a segment . or .. which URLs cannot carry", "bad_blob_name")},
  };
  Bench bench(site_with(R"("success":)", R"("blob_names": "uri", "success":)"));
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(bench.answer(get(query_for(kAcme + "uploads/bob/" + row.blob_uri))).starts_with(row.answer));
    }
  }
  // The callback names blobs in the same way, and the log the blob's own name.
  BOOST_TEST(bench.answer(post(form_for(kAcme + "uploads", "bob/a%20b"))) == kAccepted);
  BOOST_TEST(bench.event.blob == "bob/a b");
}

// A page of any origin may ask; it cannot read the answer, and nothing is changed by asking.
BOOST_AUTO_TEST_CASE(an_unlisted_origin_may_ask_for_a_signature) {
  Bench bench;
  const std::string query = query_for(kAcme + "uploads/bob/a.txt");
  Request request = get(query);
  request.origin = "-";
  BOOST_TEST(bench.answer(request).starts_with("200 text https://acme"));
}

BOOST_AUTO_TEST_CASE(the_clock_decides_when_a_signature_ends) {
  Bench bench;
  const std::string query = query_for(kAcme + "uploads/bob/a.txt");
  bench.clock.time = at("2027-12-31T23:59:59Z");
  BOOST_TEST(bench.answer(get(query)).find("&se=2028-01-01T00%3A14%3A59Z&") != std::string::npos);
}

// What a stranger reads must not tell which containers, folders or rules exist; only the log differs.
BOOST_AUTO_TEST_CASE(a_refusal_never_tells_what_exists) {
  struct Row {
    const char* name;
    std::string exists;
    std::string does_not;
    const char* verb = "PUT";
    std::string_view user = "bob";
  };
  const Row rows[] = {
      {"somebody else's container", kAcme + "secrets/alice/a", kAcme + "nothing/alice/a"},
      {"somebody else's container, deleting", kAcme + "secrets/alice/a", kAcme + "nothing/alice/a", "DELETE"},
      {"somebody else's container, for nobody", kAcme + "secrets/alice/a", kAcme + "nothing/alice/a", "PUT",
       ""},
      {"somebody else's container, for an unusable user", kAcme + "secrets/alice/a",
       kAcme + "nothing/alice/a", "PUT", "a/b"},
      {"an empty segment", kAcme + "secrets//a", kAcme + "nothing//a"},
      {"an empty segment, for nobody", kAcme + "secrets//a", kAcme + "nothing//a", "PUT", ""},
      {"dots", kAcme + "secrets/../a", kAcme + "nothing/../a"},
      {"a name too long", kAcme + "secrets/" + std::string(1025, 'a'),
       kAcme + "nothing/" + std::string(1025, 'a')},
      {"no name", kAcme + "secrets", kAcme + "nothing"},
      {"somebody else's folder", kAcme + "uploads/alice/a", kAcme + "nothing/alice/a"},
      {"somebody else's folder, for nobody", kAcme + "uploads/alice/a", kAcme + "nothing/alice/a", "PUT", ""},
      {"a container that takes no deletes", kAcme + "public-drop/a", kAcme + "nothing/a", "DELETE"},
      {"a container that takes no deletes, for nobody", kAcme + "public-drop/a", kAcme + "nothing/a",
       "DELETE", ""},
      {"another account's container", "https://files.example.com/cdn/secrets/a", kAcme + "nothing/a"},
  };
  Bench bench;
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const std::string first = bench.answer(get(query_for(row.exists, row.verb), row.user));
      BOOST_TEST(first.starts_with("403 json "));
      BOOST_TEST(bench.answer(get(query_for(row.does_not, row.verb), row.user)) == first);
      if (row.verb == "PUT"sv) {
        const std::string upload = bench.answer(post(form_for(row.exists, "x"), row.user));
        BOOST_TEST(upload.starts_with("403 json "));
        BOOST_TEST(bench.answer(post(form_for(row.does_not, "x"), row.user)) == upload);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
