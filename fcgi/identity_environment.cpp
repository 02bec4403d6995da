#include "fcgi/identity_environment.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace blobvalet::fcgi {
namespace {

std::string text_of(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::shared_ptr<const SecretBytes> take_secret(const char* name) {
  char* value = std::getenv(name);
  const std::size_t size = value == nullptr ? 0 : std::strlen(value);
  if (size == 0) return nullptr;
  SecretBytes bytes(size);
  std::copy_n(value, size, bytes.reveal_mutable().begin());
  OPENSSL_cleanse(value, size);
  return std::make_shared<const SecretBytes>(std::move(bytes));
}

}  // namespace

IdentityEnvironment take_identity_environment() {
  IdentityEnvironment environment;
  environment.tenant_id = text_of("AZURE_TENANT_ID");
  environment.client_id = text_of("AZURE_CLIENT_ID");
  environment.authority_host = text_of("AZURE_AUTHORITY_HOST");
  environment.federated_token_file = text_of("AZURE_FEDERATED_TOKEN_FILE");
  environment.identity_endpoint = text_of("IDENTITY_ENDPOINT");
  environment.imds_endpoint = text_of("IMDS_ENDPOINT");
  environment.pod_identity_host = text_of("AZURE_POD_IDENTITY_AUTHORITY_HOST");
  environment.client_secret = take_secret("AZURE_CLIENT_SECRET");
  environment.identity_header = take_secret("IDENTITY_HEADER");
  return environment;
}

}  // namespace blobvalet::fcgi
