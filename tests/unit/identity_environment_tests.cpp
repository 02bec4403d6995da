#include <array>
#include <cstdlib>

#include "fcgi/identity_environment.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

constexpr std::array<const char*, 9> kNames{"AZURE_TENANT_ID",
                                            "AZURE_CLIENT_ID",
                                            "AZURE_AUTHORITY_HOST",
                                            "AZURE_FEDERATED_TOKEN_FILE",
                                            "IDENTITY_ENDPOINT",
                                            "IMDS_ENDPOINT",
                                            "AZURE_POD_IDENTITY_AUTHORITY_HOST",
                                            "AZURE_CLIENT_SECRET",
                                            "IDENTITY_HEADER"};

/// The variables with these values; null: not set.
class Environment {
 public:
  explicit Environment(const std::array<const char*, 9>& values) {
    for (std::size_t i = 0; i < kNames.size(); ++i)
      values[i] == nullptr ? ::unsetenv(kNames[i]) : ::setenv(kNames[i], values[i], 1);
  }
  ~Environment() {
    for (const char* name : kNames)
      ::unsetenv(name);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  Environment(Environment&&) = delete;
  Environment& operator=(Environment&&) = delete;
};

std::string show(const IdentityEnvironment& environment) {
  std::string text;
  for (const std::string* part : {&environment.tenant_id, &environment.client_id, &environment.authority_host,
                                  &environment.federated_token_file, &environment.identity_endpoint,
                                  &environment.imds_endpoint, &environment.pod_identity_host})
    text.append(*part).append("|");
  for (const auto& secret : {environment.client_secret, environment.identity_header})
    text.append(secret == nullptr ? "none" : reveal_text(*secret)).append("|");
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(identity_environment_tests)

BOOST_AUTO_TEST_CASE(each_variable_has_its_place) {
  {
    const Environment nothing({});
    BOOST_TEST(show(take_identity_environment()) == "|||||||none|none|");
  }
  {
    const Environment empty({"", "", "", "", "", "", "", "", ""});
    BOOST_TEST(show(take_identity_environment()) == "|||||||none|none|");
  }
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    BOOST_TEST_CONTEXT(kNames[i]) {
      std::array<const char*, 9> values{};
      values[i] = "value";
      const Environment one(values);
      std::string expected;
      for (std::size_t other = 0; other < kNames.size(); ++other)
        expected.append(other == i ? "value" : other < 7 ? "" : "none").append("|");
      BOOST_TEST(show(take_identity_environment()) == expected);
    }
  }
}

// Whoever may read /proc/<pid>/environ shall not find them there.
BOOST_AUTO_TEST_CASE(secrets_are_overwritten_and_nothing_else) {
  const Environment all(
      {"tenant", "client", "host", "file", "endpoint", "imds", "pod", "the secret", "the header"});
  const char* secret = std::getenv("AZURE_CLIENT_SECRET");
  const char* header = std::getenv("IDENTITY_HEADER");
  BOOST_TEST(show(take_identity_environment()) ==
             "tenant|client|host|file|endpoint|imds|pod|the secret|the header|");
  for (const char* place : {secret, header}) {
    for (std::size_t i = 0; i < 10; ++i)
      BOOST_TEST(place[i] == '\0');
  }
  BOOST_TEST(show(take_identity_environment()) == "tenant|client|host|file|endpoint|imds|pod|none|none|");
}

BOOST_AUTO_TEST_SUITE_END()
