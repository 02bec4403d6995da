#include "core/wipe.hpp"
#include "tests/unit/allocation_watch.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

const std::string kSecret(100, 's');

/// A text that is the last to use its memory.
std::string copy() {
  return std::string(kSecret.data(), kSecret.size());
}

/// True if `text` of `object` holds nothing once `object` is wiped and gone.
template <class T>
bool is_wiped(std::unique_ptr<T> object, const std::string& text) {
  const DeleteWatch watch(text.data(), text.capacity());
  wipe(*object);
  object.reset();
  return watch.deleted() && watch.was_wiped();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(wipe_tests)

BOOST_AUTO_TEST_CASE(a_text_is_wiped_to_the_end_of_its_memory) {
  for (const std::size_t size : {100U, 50U, 1U, 0U}) {
    BOOST_TEST_CONTEXT(size) {
      auto text = std::make_unique<std::string>(copy());
      text->resize(size);
      const std::string& reference = *text;
      BOOST_TEST(is_wiped(std::move(text), reference));
    }
  }
  std::string short_text = "short";
  wipe(short_text);
  BOOST_TEST(short_text.empty());
}

BOOST_AUTO_TEST_CASE(requests_are_wiped) {
  for (const std::size_t index : {0U, 1U}) {
    auto call = std::make_unique<HttpCall>();
    call->headers = {copy(), copy()};
    const std::string& header = call->headers[index];
    BOOST_TEST(is_wiped(std::move(call), header));
  }
  auto call = std::make_unique<HttpCall>();
  call->body = copy();
  const std::string& body = call->body;
  BOOST_TEST(is_wiped(std::move(call), body));
}

BOOST_AUTO_TEST_CASE(answers_are_wiped) {
  auto answer = std::make_unique<HttpAnswer>(http_answer(200, {{"a", copy()}}));
  const std::string& header = answer->headers[0].second;
  BOOST_TEST(is_wiped(std::move(answer), header));
  answer = std::make_unique<HttpAnswer>();
  answer->body = copy();
  const std::string& body = answer->body;
  BOOST_TEST(is_wiped(std::move(answer), body));
}

BOOST_AUTO_TEST_CASE(a_wiper_wipes_when_it_goes) {
  std::string text = copy();
  {
    const Wiper wiper(text);
    BOOST_TEST(text == kSecret);
  }
  BOOST_TEST(text.empty());
}

BOOST_AUTO_TEST_SUITE_END()
