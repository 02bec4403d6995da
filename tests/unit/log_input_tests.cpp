#include <boost/test/unit_test.hpp>
#include <fstream>
#include <stdexcept>
#include <string>

#include "fcgi/log_input.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

std::string write(const TempDir& dir, const char* name, const std::string& text) {
  const std::string file = (dir.path() / name).string();
  std::ofstream(file, std::ios::binary) << text;
  return file;
}

std::string lines_of(std::vector<std::string> files) {
  LogInput input(std::move(files));
  std::string all;
  for (std::string_view line; input.next(line);)
    all.append("[").append(line).append("]");
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(log_input_tests)

BOOST_AUTO_TEST_CASE(lines_come_out_as_they_stand) {
  const struct {
    const char* name;
    std::string text;
    std::string lines;
  } rows[] = {
      {"nothing", "", ""},
      {"one", "a\n", "[a]"},
      {"two", "a\nb\n", "[a][b]"},
      {"no line feed at the end", "a\nb", "[a][b]"},
      {"empty lines", "\n\na\n", "[][][a]"},
      {"zeros", std::string("a\0b\n", 4), std::string("[a\0b]", 5)},
  };
  const TempDir dir;
  for (const auto& row : rows)
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(lines_of({write(dir, "log", row.text)}) == row.lines);
    }
}

BOOST_AUTO_TEST_CASE(files_follow_one_another) {
  const TempDir dir;
  BOOST_TEST(lines_of({write(dir, "a", "1\n2"), write(dir, "b", ""), write(dir, "c", "3\n")}) == "[1][2][3]");
}

// Longer than any block that is read at once, so that lines lie across its ends.
BOOST_AUTO_TEST_CASE(lines_of_every_length_survive_the_blocks) {
  const TempDir dir;
  std::string text;
  std::size_t count = 0;
  for (std::size_t size = 1; size < 2'000'000; size = size * 3 + 1) {
    text.append(size, static_cast<char>('a' + count++ % 26)).append("\n");
  }
  LogInput input({write(dir, "log", text + text)});
  std::string again;
  for (std::string_view line; input.next(line);)
    again.append(line).append("\n");
  BOOST_TEST((again == text + text));
  BOOST_TEST(input.lines() == 2 * count);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_named) {
  const TempDir dir;
  for (const std::string& file : {(dir.path() / "none").string(), dir.path().string()}) {
    LogInput input({file});
    std::string_view line;
    BOOST_CHECK_EXCEPTION((void)input.next(line), std::runtime_error, [&](const std::runtime_error& error) {
      return std::string(error.what()).starts_with(file + ": cannot be read: ");
    });
  }
}

BOOST_AUTO_TEST_CASE(an_argument_is_a_text_or_a_file) {
  const TempDir dir;
  BOOST_TEST(read_argument("no such file") == "no such file");
  BOOST_TEST(read_argument(write(dir, "a", "what it holds\n")) == "what it holds\n");
  BOOST_CHECK_THROW((void)read_argument(write(dir, "b", std::string((16U << 20U) + (1U << 18U) + 1, 'x'))),
                    std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()
