#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/utc_time.hpp"

namespace blobvalet {

/// A URL with a SAS, or with none, as somebody pasted it: read as it is, faults and all.
struct SasUrl {
  struct Parameter {
    std::string name;
    std::string value;     ///< without percent escapes; as it stands, if they are malformed
    std::string_view raw;  ///< with them; points into the text that was parsed
    bool is_malformed = false;
  };

  std::string scheme;  ///< `https` or `http`, in lower case; empty if only the query was given
  std::string host;    ///< in lower case, with its port
  std::string path;    ///< still encoded, from the first slash on
  std::vector<Parameter> parameters;

  /// Nothing if `text` is neither a URL nor a query with a signature. White space and quotes around it, and
  /// anything behind it, are left out.
  [[nodiscard]] static std::optional<SasUrl> parse(std::string_view text);

  /// The first value of this name; empty if there is none.
  [[nodiscard]] std::string_view value(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] bool is_signed() const { return has("sig"); }
  /// True if it names the key of a user delegation SAS.
  [[nodiscard]] bool is_delegation() const;
};

/// What a URL addresses, decoded.
struct BlobLocation {
  std::string account;
  std::string container;
  std::string blob;          ///< empty: the container
  std::string encoded_blob;  ///< as it stands in the URL
};

/// Finds account, container and blob in `url`, whose endpoint has the path `endpoint_path` (empty, or
/// `/devstoreaccount1`). Without `account`, which is what the configuration calls it, the host's name tells.
[[nodiscard]] BlobLocation locate(const SasUrl& url, std::string_view endpoint_path,
                                  std::string_view account);

/// The path of the endpoint that a URL of no configured account most likely has: `/name` where the host is an
/// address or `localhost`, as emulators have it, and none elsewhere.
[[nodiscard]] std::string guess_endpoint_path(const SasUrl& url);

/// `text` with each `%XX` decoded; as it is, if one is malformed.
[[nodiscard]] std::string decoded_or_same(std::string_view text);

/// A time in any of the forms that the service takes: a date, minutes, seconds, fractions of seconds.
[[nodiscard]] std::optional<UtcSeconds> parse_sas_time(std::string_view text);

/// A value for people to read: in quotes, line feeds visible, or `(empty)`.
[[nodiscard]] std::string quoted_value(std::string_view text);

}  // namespace blobvalet
