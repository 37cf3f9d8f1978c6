#include "check.h"
#include "runtime/json.h"

using namespace toolr0;

namespace {

bool refused(const std::string& text, int depth = 64) {
  try {
    parseJson(text, depth);
  } catch (const JsonError& error) {
    return error.offset <= text.size();
  }
  return false;
}

void checkValues() {
  const Json json = parseJson(
      R"( {"a": [1, -2.5, 1e3, 9223372036854775807, 9223372036854775808], "b": {"c": null, "d": true},
                                  "e": "x\"\\\/\b\f\n\r\té\u20AC\uD83D\uDE00é", "": false} )");
  CHECK(json.isObject() && json.object.size() == 4);
  const Json& a = *json.find("a");
  CHECK(a.array.size() == 5 && a.array[0].isInteger && a.array[0].integer == 1);
  CHECK(!a.array[1].isInteger && a.array[1].number == -2.5);
  CHECK(!a.array[2].isInteger && a.array[2].number == 1000.0);
  CHECK(a.array[3].isInteger && a.array[3].integer == INT64_MAX);
  CHECK(!a.array[4].isInteger && a.array[4].number == 9223372036854775808.0);
  CHECK(json.find("b")->find("c")->isNull() && json.find("b")->find("d")->boolean);
  CHECK(json.find("e")->string == "x\"\\/\b\f\n\r\t\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xC3\xA9");
  CHECK(json.find("missing") == nullptr && a.find("a") == nullptr);
}

void checkRefusals() {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[1,]",
                           "{\"a\":1,}",
                           "{'a':1}",
                           "01",
                           "+1",
                           "1.",
                           ".5",
                           "1e",
                           "NaN",
                           "Infinity",
                           "nul",
                           "\"",
                           "\"\\x\"",
                           "\"\\u12G4\"",
                           "\"\\uD800\"",
                           "\"\\uDC00x\"",
                           "\"a\nb\"",
                           "{\"a\":1} x",
                           "1 2",
                           "{\"a\":1,\"a\":2}",
                           "[1 2]",
                           "{\"a\" 1}",
                           "\"\xC0\x80\"",
                           "\"\xED\xA0\x80\"",
                           "\"\xFF\"",
                           "1e999",
                           "// x\n1",
                           "-",
                           "{1:2}",
                           "[",
                           "\"\\"}) {
    check::that(refused(text), text, __FILE__, __LINE__);
  }
  CHECK(refused(std::string(100000, '[')));
  CHECK(!refused(std::string(8, '[') + std::string(8, ']'), 8));
  CHECK(refused(std::string(10, '[') + std::string(10, ']'), 8));
}

void checkQuote() {
  CHECK(jsonQuote("a\"b\\c\n\x01") == "\"a\\\"b\\\\c\\u000a\\u0001\"");
  const std::string text = "p\xC3\xA9\xF0\x9F\x98\x80";
  CHECK(parseJson(jsonQuote(text)).string == text);
  CHECK(parseJson(jsonQuote("\xFFz")).string == "\xEF\xBF\xBDz");
}

}  // namespace

int main() {
  checkValues();
  checkRefusals();
  checkQuote();
  return check::report();
}
