// The callback's form: what is accepted is complete, within its limits, and says what the page wrote.
#include <algorithm>
#include <set>

#include "core/upload_success.hpp"
#include "core/utf8.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/reference.hpp"

namespace blobvalet::fuzz {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// The configured limits, or such small ones that short inputs get to them.
FormLimits choose_limits(unsigned choice) {
  FormLimits limits;
  if (choice % 2 == 1) limits.max_fields = 6;
  if (choice % 2 == 1) limits.max_depth = 2;
  return limits;
}

Pairs pairs_of(const UploadSuccess& upload) {
  Pairs pairs = upload.params;
  pairs.insert(
      pairs.end(),
      {{"blob", upload.blob}, {"uuid", upload.uuid}, {"name", upload.name}, {"container", upload.container}});
  return pairs;
}

bool is_clean(const std::string& text) {
  return is_utf8(text) && text.find('\0') == std::string::npos;
}

void check_accepted(std::string_view form, const UploadSuccess& upload, const FormLimits& limits) {
  const Pairs pairs = pairs_of(upload);
  require(pairs.size() <= limits.max_fields, "no more fields than allowed");
  std::set<std::string> keys;
  std::string printed;
  for (const auto& [key, value] : pairs) {
    require(is_clean(key) && is_clean(value), "UTF-8 without NUL");
    require(keys.insert(key).second, "no key comes twice");
    require(std::ranges::count(key, '[') < static_cast<std::ptrdiff_t>(limits.max_depth),
            "no key nests too deep");
    printed += encode(key) + "=" + encode(value) + "&";
  }
  require(
      upload.uuid.size() == 36 && !upload.blob.empty() && !upload.name.empty() && !upload.container.empty(),
      "nothing is missing");

  Pairs written = read_form(form);
  Pairs sorted = pairs;
  std::ranges::sort(written);
  std::ranges::sort(sorted);
  require(written == sorted, "exactly the pairs that were written");

  const auto again = UploadSuccess::parse(printed, limits);
  require(again && pairs_of(*again) == pairs, "printed and parsed again it is equal");
  require(!UploadSuccess::parse(printed + "uuid=" + upload.uuid, limits), "a second uuid is refused");
}

}  // namespace
}  // namespace blobvalet::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blobvalet;
  std::string_view form = fuzz::as_text(data, size);
  const FormLimits limits = fuzz::choose_limits(fuzz::take_choice(form));
  if (const auto upload = UploadSuccess::parse(form, limits)) fuzz::check_accepted(form, *upload, limits);
  (void)is_form_content_type(form);
  return 0;
}
