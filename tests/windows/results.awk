# results.awk: reads the JSON that a test program has written, one event a line, and what Wine has said in between.
# Prints each failed and each skipped test with its reason, and last "PASSED FAILED SKIPPED": a program that has not come
# to its end has failed in the test that was running.
#   -v left_out=FILE   is given what another run of the program has to leave out to go on behind that test, one option a
#                      line; empty when there is nothing to go on with.

function field(name,   from, to, rest) {
    from = index($0, "\"" name "\":")
    if (!from) return ""
    rest = substr($0, from + length(name) + 3)
    # A text, or a list of texts of which the first is the one of interest.
    sub(/^\[/, "", rest)
    if (rest !~ /^"/) return ""
    rest = substr(rest, 2)
    for (to = 1; to <= length(rest) && substr(rest, to, 1) != "\""; to++)
        if (substr(rest, to, 1) == "\\") to++
    return plain(substr(rest, 1, to - 1))
}

function plain(text) {
    gsub(/\\\\/, "\001", text)
    gsub(/\\r/, "", text)
    gsub(/\\n/, "\n", text)
    gsub(/\\"/, "\"", text)
    gsub(/\\u0027/, "'", text)
    gsub(/\\u0022/, "\"", text)
    gsub(/\001/, "\\", text)
    return text
}

function fail(what, why) {
    failed++
    gsub(/\n/, "\n    ", why)
    print "FAILED: " what "\n    " why
}

# Most tests are displayed as what they are, others by a sentence.
function name() { return index(test, class "." method) == 1 ? test : class "." method ": " test }

{ type = match($0, /^\{"\$type":"[a-z-]+"/) ? substr($0, 11, RLENGTH - 11) : "" }
type == "test-class-starting" { class = field("TestClassName") }
type == "test-method-starting" { method = field("MethodName"); methods[++began] = class "." method }
type == "test-starting" { test = field("TestDisplayName"); running = 1 }
type == "test-passed" { passed++ }
type == "test-skipped" { skipped++; print "skipped: " name() ": " field("Reason") }
type == "test-failed" { fail(name(), field("Messages") "\n" field("StackTraces")) }
# Errors outside of tests: of fixtures, and of what is cleaned up.
type == "error" || type ~ /-cleanup-failure$/ { fail(class ", " type, field("Messages") "\n" field("StackTraces")) }
type == "test-finished" { running = 0; last = name() }
type == "test-class-finished" { classes[++complete] = class; began = 0 }
type == "test-assembly-finished" { ended = 1 }

END {
    if (!ended) {
        fail(running ? name() : "after " last, "the program ended, or wrote nothing any more, " (running ? "in this test" : "and no test was running"))
        for (i = 1; i <= complete; i++) print "-class-\n" classes[i] >left_out
        for (i = 1; i <= began; i++) print "-method-\n" methods[i] >left_out
    }
    printf "%d %d %d\n", passed, failed, skipped
}
