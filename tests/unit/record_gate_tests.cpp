#include <boost/test/unit_test.hpp>
#include <ostream>

#include "fcgi/record_gate.hpp"
#include "tests/unit/fcgi_records.hpp"

using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace blobvalet::fcgi {

std::ostream& operator<<(std::ostream& out, GateVerdict verdict) {
  switch (verdict) {
    case GateVerdict::incomplete: return out << "incomplete";
    case GateVerdict::whole: return out << "whole";
    case GateVerdict::body_too_large: return out << "body_too_large";
    case GateVerdict::malformed: return out << "malformed";
  }
  return out << "no verdict";
}

}  // namespace blobvalet::fcgi

namespace {

GateVerdict inspect(std::string_view text, const GateLimits& limits = {}) {
  return inspect_records({reinterpret_cast<const unsigned char*>(text.data()), text.size()}, limits);
}

struct Row {
  const char* name;
  std::string bytes;
};

template <std::size_t N>
void check_all(GateVerdict expected, const Row (&rows)[N], const GateLimits& limits = {}) {
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(inspect(row.bytes, limits) == expected);
    }
  }
}

const Parameters kParameters = {{"BLOBVALET_ENDPOINT", "signature"}, {"QUERY_STRING", std::string(300, 'q')}};
const std::string kPairs = pairs(kParameters);
const std::string kToBody = begin() + stream(kParams, kPairs);
const std::string kGood = kToBody + stream(kStdin, "blob=a");

std::string params_stream(std::string_view content) {
  return begin() + stream(kParams, content);
}
std::string with_params(std::string_view content) {
  return params_stream(content) + stream(kStdin, "");
}

/// A PARAMS stream of exactly `size` bytes, in one pair.
std::string one_pair(std::size_t size) {
  return pair("A", std::string(size - 6, 'x'));
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i)
    result.append(text);
  return result;
}

/// A record's header that announces more than follows.
std::string announcing(unsigned type, unsigned length, std::string_view content = {}) {
  std::string text = record(type, content);
  text[4] = static_cast<char>(length >> 8U);
  text[5] = static_cast<char>(length & 0xffU);
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(record_gate_tests)

BOOST_AUTO_TEST_CASE(whole_requests) {
  const Row rows[] = {
      {"as nginx sends it", kGood},
      {"no body", kToBody + stream(kStdin, "")},
      {"no parameters", with_params("")},
      {"parameters in records of one byte", begin() + stream(kParams, kPairs, 1) + stream(kStdin, "")},
      {"a body in records of one byte", kToBody + stream(kStdin, "blob=a", 1)},
      {"padding behind all content",
       begin() + stream(kParams, kPairs, 100, {1, 1, 255}) + stream(kStdin, "blob=a", 2, {1, 1, 7})},
      {"the largest id", begin(1, true, {1, 0xffff}) + stream(kParams, kPairs, 0xffff, {1, 0xffff}) +
                             stream(kStdin, "", 1, {1, 0xffff})},
      {"a connection not to be kept", whole_request(kParameters, "", false)},
      {"four-byte lengths for short texts", with_params(long_length(1) + long_length(2) + "abc")},
      {"an empty name and an empty value", with_params(bytes({0, 0}))},
      {"a four-byte length of 0", with_params(long_length(0) + long_length(0))},
      {"256 pairs", with_params(repeat(pair("a", "b"), 256))},
      {"parameters up to the limit", with_params(one_pair(65536))},
      {"a body up to the limit", kToBody + stream(kStdin, std::string(65536, 'x'))},
      {"padding does not count as body",
       kToBody + stream(kStdin, std::string(65536, 'x'), 8192, {1, 1, 255})},
      {"what looks like a record within a body", kToBody + stream(kStdin, begin() + record(kGetValues))},
      {"a NUL within a body", kToBody + stream(kStdin, std::string(3, '\0'))},
  };
  check_all(GateVerdict::whole, rows);
}

BOOST_AUTO_TEST_CASE(malformed_records) {
  const Row rows[] = {
      {"HTTP", "GET / HTTP/1.1\r\n\r\n"},
      {"version 0", begin(1, true, {0})},
      {"version 2", begin(1, true, {2})},
      {"a wrong version alone", bytes({2})},
      {"a wrong type alone", bytes({1, 9})},
      {"id 0", begin(1, true, {1, 0})},
      {"an authorizer", begin(2)},
      {"a filter", begin(3)},
      {"role 0", begin(0)},
      {"role 257", record(kBegin, bytes({1, 1, 1, 0, 0, 0, 0, 0}))},
      {"a BEGIN of 7 bytes", record(kBegin, bytes({0, 1, 1, 0, 0, 0, 0}))},
      {"a BEGIN of 9 bytes", record(kBegin, bytes({0, 1, 1, 0, 0, 0, 0, 0, 0}))},
      {"an empty BEGIN", record(kBegin)},
      {"a BEGIN with padding, which libfcgi reads as a record", begin(1, true, {1, 1, 8})},
      {"an empty PARAMS with padding, likewise",
       begin() + record(kParams, kPairs) + record(kParams, "", {1, 1, 8})},
      {"an empty STDIN with padding, likewise", kToBody + record(kStdin, "", {1, 1, 8})},
      {"PARAMS first", stream(kParams, kPairs)},
      {"STDIN first", stream(kStdin, "")},
      {"ABORT first", record(kAbort)},
      {"two BEGINs", begin() + begin()},
      {"STDIN before PARAMS", begin() + stream(kStdin, "")},
      {"STDIN amid PARAMS", begin() + record(kParams, kPairs) + stream(kStdin, "")},
      {"ABORT amid PARAMS", begin() + record(kAbort)},
      {"ABORT in place of a body", kToBody + record(kAbort)},
      {"ABORT amid a body", kToBody + record(kStdin, "blob") + record(kAbort)},
      {"DATA in place of a body", kToBody + record(kData, "x")},
      {"DATA behind a request", kGood + record(kData, "x")},
      {"PARAMS after their end", kToBody + stream(kParams, kPairs)},
      {"an END", begin() + record(kEnd, bytes({0, 0, 0, 0, 0, 0, 0, 0}))},
      {"an answer", begin() + record(kStdout, "x")},
      {"type 0", begin() + record(0)},
      {"type 255", begin() + record(255)},
      {"PARAMS of version 0", begin() + record(kParams, kPairs, {0})},
      {"STDIN of version 2", kToBody + record(kStdin, "", {2})},
      {"PARAMS of another request", begin() + record(kParams, kPairs, {1, 2})},
      {"STDIN of another request", kToBody + record(kStdin, "", {1, 2})},
      {"another id in half a header", kToBody + bytes({1, kStdin, 0, 2})},
      {"an id that differs in its upper byte", begin() + record(kParams, kPairs, {1, 257})},
      {"a second request behind the first", kGood + kGood},
      {"one byte behind a request", kGood + "x"},
      {"a second end of the body", kGood + record(kStdin)},
      {"FCGI_GET_VALUES", record(kGetValues, pair("FCGI_MAX_CONNS", ""), {1, 0})},
      // Stock libfcgi: a stack buffer of 64 bytes overflows.
      {"FCGI_GET_VALUES of known names, many times",
       record(kGetValues, repeat(pair("FCGI_MPXS_CONNS", ""), 8), {1, 0}) + kGood},
      {"FCGI_GET_VALUES amid a request", begin() + record(kGetValues, "", {1, 0})},
  };
  check_all(GateVerdict::malformed, rows);
}

BOOST_AUTO_TEST_CASE(malformed_parameters) {
  const Row rows[] = {
      // Stock libfcgi: the sum of both lengths passes 2^31-1, and it aborts.
      {"lengths of 0x40000000 and 0x3fffffff",
       params_stream(long_length(0x40000000) + long_length(0x3fffffff))},
      {"the same, not ended", begin() + record(kParams, long_length(0x40000000) + long_length(0x3fffffff))},
      {"the largest lengths", params_stream(long_length(0x7fffffff) + long_length(0x7fffffff))},
      {"lengths whose sum is 2^31", params_stream(long_length(0x7fffffff) + long_length(1))},
      {"a name longer than the limit", params_stream(long_length(65537))},
      {"a value longer than the limit", params_stream(bytes({1}) + long_length(65537))},
      {"name and value longer than the limit together",
       params_stream(long_length(40000) + long_length(40000))},
      {"a length of all ones", params_stream(bytes({0xff, 0xff, 0xff, 0xff}))},
      {"a value that is not there", params_stream(bytes({1, 5}) + "a")},
      {"a name that is not there", params_stream(bytes({5, 0}))},
      {"one length alone", params_stream(bytes({5}))},
      {"half a four-byte length", params_stream(bytes({0x80, 0}))},
      {"half a second length", params_stream(bytes({1, 0x80, 0, 0}))},
      {"a good pair, then half a one", params_stream(kPairs + bytes({3, 3}) + "abc")},
      {"a NUL in a name", params_stream(pair(std::string("A\0B", 3), "x"))},
      {"a NUL in a value", params_stream(pair("A", std::string("x\0y", 3)))},
      {"a NUL that ends a value", params_stream(pair("A", std::string("x\0", 2)))},
      {"257 pairs", params_stream(repeat(pair("a", "b"), 257))},
      {"257 empty pairs", params_stream(repeat(bytes({0, 0}), 257))},
      {"100,000 pairs", params_stream(repeat(pair("a", "b"), 100000))},
      {"parameters over the limit in one pair", params_stream(one_pair(65537))},
      {"parameters over the limit, not ended",
       begin() + record(kParams, one_pair(65530)) + record(kParams, one_pair(10))},
      {"4 MiB", params_stream(one_pair(4194304))},
  };
  check_all(GateVerdict::malformed, rows);
}

BOOST_AUTO_TEST_CASE(a_good_beginning_is_incomplete) {
  const Row rows[] = {
      {"nothing", ""},
      {"a BEGIN alone", begin()},
      {"PARAMS without their end", begin() + record(kParams, kPairs)},
      {"no body yet", kToBody},
      {"a body without its end", kToBody + record(kStdin, "blob=a")},
      {"a header that announces more", kToBody + announcing(kStdin, 1000, "blob=a")},
      {"half a pair so far", begin() + record(kParams, kPairs.substr(0, 5))},
      {"a body up to the limit, its end to come",
       kToBody + record(kStdin, std::string(65535, 'x')) + record(kStdin, "x")},
  };
  check_all(GateVerdict::incomplete, rows);
}

/// Whatever the records, no cut of a good request is called anything else.
BOOST_AUTO_TEST_CASE(every_prefix_of_a_good_request_is_incomplete) {
  const Row rows[] = {
      {"with a body", kGood},
      {"without", whole_request(kParameters)},
      {"with padding", begin(1, true, {1, 7}) + stream(kParams, kPairs, 50, {1, 7, 5}) +
                           stream(kStdin, std::string(200, 'x'), 30, {1, 7, 11})},
      {"in records of one byte", begin() + stream(kParams, kPairs, 1) + stream(kStdin, "blob=a", 1)},
      {"with four-byte lengths", with_params(long_length(3) + long_length(3) + "abcdef")},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(inspect(row.bytes) == GateVerdict::whole);
      for (std::size_t cut = 0; cut < row.bytes.size(); ++cut) {
        if (inspect(std::string_view(row.bytes).substr(0, cut)) == GateVerdict::incomplete) continue;
        BOOST_ERROR("cut at " << cut << " it is " << inspect(std::string_view(row.bytes).substr(0, cut)));
      }
    }
  }
}

/// The stream of parameters may be cut into records anywhere, also within a length.
BOOST_AUTO_TEST_CASE(parameters_may_be_cut_into_two_records_anywhere) {
  for (std::size_t cut = 1; cut < kPairs.size(); ++cut) {
    const std::string params = record(kParams, kPairs.substr(0, cut)) + record(kParams, kPairs.substr(cut));
    BOOST_TEST_CONTEXT("cut at " << cut) {
      BOOST_TEST(inspect(begin() + params + record(kParams) + stream(kStdin, "")) == GateVerdict::whole);
      const std::string cut_short = record(kParams, kPairs.substr(0, cut)) + record(kParams);
      // The border between both pairs is the only good place to end.
      const bool at_border = cut == pair(kParameters[0].first, kParameters[0].second).size();
      BOOST_TEST(inspect(begin() + cut_short) ==
                 (at_border ? GateVerdict::incomplete : GateVerdict::malformed));
    }
  }
}

BOOST_AUTO_TEST_CASE(bodies_over_the_limit) {
  const Row rows[] = {
      {"one byte over", kToBody + stream(kStdin, std::string(65537, 'x'))},
      {"far over", kToBody + stream(kStdin, std::string(1000000, 'x'))},
      {"in records of one byte", kToBody + stream(kStdin, std::string(65537, 'x'), 1)},
      {"not ended", kToBody + record(kStdin, std::string(65535, 'x')) + record(kStdin, "xx")},
      {"announced only", kToBody + record(kStdin, std::string(65535, 'x')) + announcing(kStdin, 2)},
      {"with more behind it", kToBody + stream(kStdin, std::string(65537, 'x')) + kGood},
  };
  check_all(GateVerdict::body_too_large, rows);
}

BOOST_AUTO_TEST_CASE(limits_are_what_the_caller_says) {
  const GateLimits limits{.params_bytes = 20, .pairs = 2, .body_bytes = 5};
  struct LimitRow {
    const char* name;
    std::string bytes;
    GateVerdict verdict;
  };
  const LimitRow rows[] = {
      {"parameters of 20 bytes", with_params(pair("a", std::string(17, 'x'))), GateVerdict::whole},
      {"parameters of 21 bytes", with_params(pair("a", std::string(18, 'x'))), GateVerdict::malformed},
      {"two pairs", with_params(pair("a", "b") + pair("a", "b")), GateVerdict::whole},
      {"three pairs", with_params(repeat(pair("", "b"), 3)), GateVerdict::malformed},
      {"a body of 5 bytes", params_stream("") + stream(kStdin, "12345"), GateVerdict::whole},
      {"a body of 5 bytes in two records", params_stream("") + record(kStdin, "123") + stream(kStdin, "45"),
       GateVerdict::whole},
      {"a body of 6 bytes", params_stream("") + stream(kStdin, "123456"), GateVerdict::body_too_large},
      {"a body of 6 bytes, announced", params_stream("") + announcing(kStdin, 6),
       GateVerdict::body_too_large},
      {"malformed before too large", params_stream("") + record(kStdin, "123456", {1, 2}),
       GateVerdict::malformed},
  };
  for (const LimitRow& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(inspect(row.bytes, limits) == row.verdict);
    }
  }
}

/// A body with no limit to speak of: the verdict never depends on what 32 bits can hold.
BOOST_AUTO_TEST_CASE(large_limits_do_not_overflow) {
  const GateLimits limits{.params_bytes = static_cast<std::size_t>(-1),
                          .pairs = 1000000,
                          .body_bytes = static_cast<std::size_t>(-1)};
  BOOST_TEST(inspect(params_stream(long_length(0x7fffffff) + long_length(0x7fffffff)), limits) ==
             GateVerdict::malformed);
  BOOST_TEST(inspect(with_params(repeat(pair("a", "b"), 100000)), limits) == GateVerdict::whole);
  BOOST_TEST(inspect(kToBody + stream(kStdin, std::string(300000, 'x')), limits) == GateVerdict::whole);
}

BOOST_AUTO_TEST_SUITE_END()
