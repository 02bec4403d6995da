#include "core/blob_probe.hpp"
#include "tests/unit/granted.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;
using Outcome = FakeHttp::Outcome;

constexpr std::string_view kSite = R"({
  "accounts": [{"name": "acme", "endpoint": "https://acme", "credential": {"type": "shared_key", "key_file": "k"}}],
  "rules": [{"name": "r", "account": "acme", "container": "uploads", "blobs": ["**"], "methods": ["PUT"],
             "verify": {"deadline_ms": 2000, "connect_timeout_ms": 300}}]
})";

Outcome failure(HttpFailure reason) {
  return tl::unexpected(reason);
}

struct Bench {
  Granted granted{kSite, "https://acme/uploads/bob/a.txt"};
  FakeClock clock;
  FakeTimer timer;
  FakeHttp http{timer};
  FakeSecretFiles files;
  AzureAuthorization authorization{*granted.site, granted.signers, clock, files};
  BlobProbe probe{http, timer, clock, authorization};

  [[nodiscard]] Timer::Time deadline() const { return timer.time + 2s; }
  Result<std::optional<BlobProperties>> properties() { return probe.properties(granted.grant, deadline()); }
  Result<std::string> first_bytes() { return probe.first_bytes(granted.grant, "\"0x8D1\"", deadline()); }
  Result<void> remove() { return probe.remove(granted.grant, "\"0x8D1\"", deadline()); }
  Result<void> tag() { return probe.tag(granted.grant, deadline()); }
};

enum class Question { properties, first_bytes, remove, tag };
constexpr Question kQuestions[] = {Question::properties, Question::first_bytes, Question::remove,
                                   Question::tag};

/// The error of one question; none: a success.
std::optional<Error> error_of(Bench& bench, Question question) {
  const auto of = [](const auto& result) { return result ? std::nullopt : std::optional(result.error()); };
  switch (question) {
    case Question::properties: return of(bench.properties());
    case Question::first_bytes: return of(bench.first_bytes());
    case Question::remove: return of(bench.remove());
    case Question::tag: return of(bench.tag());
  }
  return std::nullopt;
}

std::string show_optional(const std::optional<Error>& error) {
  return error ? show(*error) : "ok";
}

std::string refused(std::string_view reason) {
  return "azure_refused |  | the upload cannot be checked now | " + std::string(reason);
}
std::string unavailable(std::string_view reason) {
  return "azure_unavailable |  | the upload cannot be checked now | " + std::string(reason);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(blob_probe_tests)

BOOST_AUTO_TEST_CASE(properties_are_those_that_azure_names) {
  Bench bench;
  bench.http.answers = {stored_blob({{"content-length", "18446744073709551615"},
                                     {"content-md5", "XUFAKrxLKna5cZ2REBfFkg=="},
                                     {"x-ms-copy-status", "pending"},
                                     {"x-ms-meta-qqfilename", "a%20b.png"}})};
  const auto found = bench.properties();
  BOOST_REQUIRE(found.has_value() && found->has_value());
  const BlobProperties& properties = **found;
  BOOST_TEST(properties.size_bytes == 18446744073709551615U);
  BOOST_TEST(properties.content_type == "image/png");
  BOOST_TEST(properties.blob_type == "BlockBlob");
  BOOST_TEST(properties.etag == "\"0x8D1\"");
  BOOST_TEST(properties.last_modified == "Sun, 01 Mar 2026 11:59:58 GMT");
  BOOST_TEST(properties.content_md5 == "XUFAKrxLKna5cZ2REBfFkg==");
  BOOST_TEST(properties.copy_status == "pending");
  BOOST_TEST(properties.filename == "a%20b.png");

  BOOST_REQUIRE_EQUAL(bench.http.calls.size(), 1U);
  const HttpCall& call = bench.http.calls.front();
  BOOST_TEST(call.method == "HEAD");
  BOOST_TEST(call.url.starts_with("https://acme/uploads/bob/a.txt?"));
  BOOST_TEST(call.url.find("&sp=r&") != std::string::npos);
  BOOST_TEST(call.connect_timeout.count() == 300);
  BOOST_TEST(call.timeout.count() == 2000);
}

BOOST_AUTO_TEST_CASE(what_azure_need_not_say_is_empty) {
  Bench bench;
  bench.http.answers = {stored_blob({{"content-type", ""}, {"last-modified", ""}, {"content-length", "0"}})};
  const auto found = bench.properties();
  BOOST_REQUIRE(found.has_value() && found->has_value());
  BOOST_TEST((*found)->size_bytes == 0U);
  BOOST_TEST((*found)->content_type == "");
  BOOST_TEST((*found)->last_modified == "");
  BOOST_TEST((*found)->content_md5 == "");
  BOOST_TEST((*found)->copy_status == "");
  BOOST_TEST((*found)->filename == "");
}

BOOST_AUTO_TEST_CASE(a_blob_that_is_not_there_is_no_error) {
  for (const char* code : {"BlobNotFound", "ContainerNotFound", "ResourceNotFound", ""}) {
    Bench bench;
    bench.http.answers = {http_answer(404, {{"x-ms-error-code", code}})};
    const auto found = bench.properties();
    BOOST_REQUIRE(found.has_value());
    BOOST_TEST(!found->has_value());
    BOOST_TEST(bench.http.calls.size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(an_answer_that_no_storage_account_gives_is_refused) {
  struct Row {
    const char* name;
    Headers changes;
  };
  const Row rows[] = {
      {"no length", {{"content-length", ""}}},
      {"a negative length", {{"content-length", "-1"}}},
      {"a signed length", {{"content-length", "+5"}}},
      {"a length in words", {{"content-length", "five"}}},
      {"a length with a unit", {{"content-length", "5k"}}},
      {"two lengths", {{"content-length", "5, 5"}}},
      {"a length with a blank", {{"content-length", " 5"}}},
      {"a hexadecimal length", {{"content-length", "0x5"}}},
      {"a length beyond 64 bits", {{"content-length", "18446744073709551616"}}},
      {"no ETag", {{"etag", ""}}},
      {"no type of blob", {{"x-ms-blob-type", ""}}},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      bench.http.answers = {stored_blob(row.changes)};
      BOOST_TEST(show(bench.properties()) ==
                 refused("the endpoint's answer is not that of a storage account"));
    }
  }
}

BOOST_AUTO_TEST_CASE(who_does_not_answer_is_unavailable_or_refuses) {
  struct Row {
    HttpFailure failure;
    std::string error;
    bool again;
  };
  const Row rows[] = {
      {HttpFailure::unreachable, unavailable("Azure cannot be reached"), true},
      {HttpFailure::timed_out, unavailable("Azure did not answer in time"), false},
      {HttpFailure::untrusted, refused("the certificate of the account's endpoint is not trusted"), false},
      {HttpFailure::too_large, refused("the endpoint's answer is too large"), false},
      {HttpFailure::malformed, refused("the endpoint does not speak HTTP"), false},
  };
  for (const Question question : kQuestions) {
    for (const Row& row : rows) {
      BOOST_TEST_CONTEXT(row.error << ", question " << static_cast<int>(question)) {
        Bench bench;
        bench.http.answers = {failure(row.failure)};
        const auto begin = bench.timer.time;
        BOOST_TEST(show_optional(error_of(bench, question)) == row.error);
        BOOST_TEST((bench.http.calls.size() > 1U) == row.again);
        BOOST_TEST((bench.timer.time - begin <= 2s));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(other_answers_have_a_code_and_a_reason_for_the_log) {
  struct Row {
    int status;
    const char* code;
    std::string error;
  };
  const Row rows[] = {
      {408, "", unavailable("Azure has failed")},
      {429, "", unavailable("Azure is throttling us")},
      {500, "InternalError", unavailable("Azure has failed")},
      {500, "OperationTimedOut", unavailable("Azure has failed")},
      {502, "", unavailable("Azure has failed")},
      {503, "ServerBusy", unavailable("Azure is throttling us")},
      {504, "", unavailable("Azure has failed")},
      {201, "", refused("Azure refused our request")},
      {301, "", refused("Azure refused our request")},
      {302, "", refused("Azure refused our request")},
      {400, "InvalidHeaderValue", refused("InvalidHeaderValue")},
      {400, "InvalidUri", refused("Azure refused our request")},
      {401, "InvalidAuthenticationInfo", refused("InvalidAuthenticationInfo")},
      {401, "NoAuthenticationInformation", refused("NoAuthenticationInformation")},
      {403, "AuthenticationFailed", refused("AuthenticationFailed")},
      {403, "AuthorizationFailure", refused("AuthorizationFailure")},
      {403, "AuthorizationPermissionMismatch", refused("AuthorizationPermissionMismatch")},
      {403, "AuthorizationProtocolMismatch", refused("AuthorizationProtocolMismatch")},
      {403, "AuthorizationSourceIPMismatch", refused("AuthorizationSourceIPMismatch")},
      {403, "KeyBasedAuthenticationNotPermitted", refused("KeyBasedAuthenticationNotPermitted")},
      {403, "AccountIsDisabled", refused("AccountIsDisabled")},
      {403, "InsufficientAccountPermissions", refused("InsufficientAccountPermissions")},
      {403, "", refused("Azure refused our request")},
      {403, "<script>\"\n", refused("Azure refused our request")},
      {403, "authenticationfailed", refused("Azure refused our request")},
      {409, "BlobArchived", refused("BlobArchived")},
      {409, "SnapshotsPresent", refused("SnapshotsPresent")},
      {409, "BlobImmutableDueToPolicy", refused("BlobImmutableDueToPolicy")},
      {412, "LeaseIdMissing", refused("LeaseIdMissing")},
      {501, "", refused("Azure refused our request")},
  };
  for (const Question question : kQuestions) {
    for (const Row& row : rows) {
      // Reading one version: any 412 says that it is another one by now.
      if (question == Question::first_bytes && row.status == 412) continue;
      BOOST_TEST_CONTEXT(row.status << " " << row.code << ", question " << static_cast<int>(question)) {
        Bench bench;
        bench.http.answers = {http_answer(row.status, {{"x-ms-error-code", row.code}})};
        BOOST_TEST(show_optional(error_of(bench, question)) == row.error);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_passes_is_asked_again) {
  for (const Question question : kQuestions) {
    Bench bench;
    const int fine = question == Question::remove ? 202 : question == Question::tag ? 204 : 200;
    HttpAnswer last = stored_blob();
    last.status = fine;
    bench.http.answers = {http_answer(503), failure(HttpFailure::unreachable), last};
    BOOST_TEST(show_optional(error_of(bench, question)) == "ok");
    BOOST_TEST(bench.http.calls.size() == 3U);
  }
}

BOOST_AUTO_TEST_CASE(a_wait_that_azure_asks_for_is_passed_on) {
  struct Row {
    const char* name;
    int status;
    Headers headers;
    long seconds;
  };
  const Row rows[] = {
      {"none", 503, {}, 1},
      {"seconds", 503, {{"retry-after", "20"}}, 20},
      {"the most that a person would wait", 503, {{"retry-after", "60"}}, 60},
      {"a second more", 503, {{"retry-after", "61"}}, 60},
      {"decades", 429, {{"retry-after", "999999999"}}, 60},
      {"the year 9999", 503, {{"retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"}}, 60},
      {"a date", 500, {{"retry-after", "Sun, 01 Mar 2026 12:00:09 GMT"}}, 9},
      {"milliseconds are rounded up", 503, {{"x-ms-retry-after-ms", "2001"}}, 3},
      {"garbage", 503, {{"retry-after", "later"}}, 1},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      bench.http.answers = {http_answer(row.status, row.headers)};
      const auto found = bench.properties();
      BOOST_REQUIRE(!found.has_value());
      BOOST_TEST(code_of(found) == "azure_unavailable");
      BOOST_TEST(found.error().retry_after.count() == row.seconds);
    }
  }
}

BOOST_AUTO_TEST_CASE(short_waits_are_waited_for_here_and_a_second_is_the_least_to_ask_for) {
  for (const char* wait : {"0", "1", "999"}) {
    Bench bench;
    bench.http.answers = {http_answer(503, {{"retry-after-ms", wait}})};
    const auto found = bench.properties();
    BOOST_REQUIRE(!found.has_value());
    BOOST_TEST(found.error().retry_after.count() == 1);
    BOOST_TEST(bench.http.calls.size() > 1U);
  }
}

BOOST_AUTO_TEST_CASE(first_bytes_are_those_of_the_version_that_was_seen) {
  struct Row {
    const char* name;
    HttpAnswer answer;
    const char* outcome;
  };
  const Row rows[] = {
      {"a part", http_answer(206, {}, "bytes"), "bytes"},
      {"all of it", http_answer(200, {}, "bytes"), "bytes"},
      {"an empty blob", http_answer(416, {{"x-ms-error-code", "InvalidRange"}}, "<xml>"), ""},
      {"gone", http_answer(404), "busy | blob | is being changed; try again | "},
      {"another version", http_answer(412, {{"x-ms-error-code", "ConditionNotMet"}}),
       "busy | blob | is being changed; try again | "},
      {"archived", http_answer(409, {{"x-ms-error-code", "BlobArchived"}}),
       "azure_refused |  | the upload cannot be checked now | BlobArchived"},
      {"not modified", http_answer(304),
       "azure_refused |  | the upload cannot be checked now | Azure refused our request"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      bench.http.answers = {row.answer};
      const auto bytes = bench.first_bytes();
      BOOST_TEST((bytes ? *bytes : show(bytes)) == row.outcome);
      BOOST_REQUIRE_EQUAL(bench.http.calls.size(), 1U);
      const HttpCall& call = bench.http.calls.front();
      BOOST_TEST(call.method == "GET");
      const std::vector<std::string> headers{"x-ms-range: bytes=0-65535", "If-Match: \"0x8D1\""};
      BOOST_TEST(call.headers == headers);
      BOOST_TEST(call.max_answer_bytes == 65536U);
      BOOST_TEST(call.url.find("&sp=r&") != std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_CASE(only_the_version_that_was_seen_is_deleted) {
  struct Row {
    const char* name;
    HttpAnswer answer;
    std::string outcome;
  };
  const Row rows[] = {
      {"deleted", http_answer(202), "ok"},
      {"gone already", http_answer(404, {{"x-ms-error-code", "BlobNotFound"}}), "ok"},
      {"replaced meanwhile", http_answer(412, {{"x-ms-error-code", "ConditionNotMet"}}), "ok"},
      {"leased", http_answer(412, {{"x-ms-error-code", "LeaseIdMissing"}}), refused("LeaseIdMissing")},
      {"a condition without a code", http_answer(412), refused("Azure refused our request")},
      {"snapshots", http_answer(409, {{"x-ms-error-code", "SnapshotsPresent"}}), refused("SnapshotsPresent")},
      {"immutable", http_answer(409, {{"x-ms-error-code", "BlobImmutableDueToPolicy"}}),
       refused("BlobImmutableDueToPolicy")},
      {"not by us", http_answer(403, {{"x-ms-error-code", "AuthorizationPermissionMismatch"}}),
       refused("AuthorizationPermissionMismatch")},
      {"200 is not what Azure says", http_answer(200), refused("Azure refused our request")},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      bench.http.answers = {row.answer};
      BOOST_TEST(show(bench.remove()) == row.outcome);
      BOOST_REQUIRE_EQUAL(bench.http.calls.size(), 1U);
      BOOST_TEST(bench.http.calls.front().method == "DELETE");
      BOOST_TEST(bench.http.calls.front().headers == std::vector<std::string>{"If-Match: \"0x8D1\""});
      BOOST_TEST(bench.http.calls.front().url.find("&sp=d&") != std::string::npos);
    }
  }
}

// A DELETE whose answer was lost has been done; the second one finds nothing.
BOOST_AUTO_TEST_CASE(a_deletion_whose_answer_was_lost_is_one) {
  Bench bench;
  bench.http.answers = {failure(HttpFailure::unreachable), http_answer(404)};
  BOOST_TEST(show(bench.remove()) == "ok");
}

BOOST_AUTO_TEST_CASE(a_tag_is_set) {
  Bench bench;
  bench.http.answers = {http_answer(204)};
  BOOST_TEST(show(bench.tag()) == "ok");
  BOOST_REQUIRE_EQUAL(bench.http.calls.size(), 1U);
  const HttpCall& call = bench.http.calls.front();
  BOOST_TEST(call.method == "PUT");
  BOOST_TEST(call.url.ends_with("&comp=tags"));
  BOOST_TEST(call.url.find("&sp=t&") != std::string::npos);
  BOOST_TEST(call.headers == std::vector<std::string>{"Content-Type: application/xml; charset=UTF-8"});
  BOOST_TEST(call.body == R"(<?xml version="1.0" encoding="utf-8"?><Tags><TagSet><Tag><Key>blobvalet</Key>)"
                          R"(<Value>refused</Value></Tag></TagSet></Tags>)");
  for (const int status : {200, 202, 404, 409, 412}) {
    bench.http.answers = {http_answer(status)};
    BOOST_TEST(show(bench.tag()) == refused("Azure refused our request"));
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_asked_behind_the_deadline) {
  Bench bench;
  bench.http.answers = {stored_blob()};
  const auto found = bench.probe.properties(bench.granted.grant, bench.timer.time);
  BOOST_TEST(show(found) == unavailable("Azure did not answer in time"));
  BOOST_TEST(bench.http.calls.empty());
}

BOOST_AUTO_TEST_SUITE_END()
