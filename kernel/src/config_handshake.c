#include "config_handshake.h"

#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "text.h"

static void read_version(sb_check *check, const sb_place *place, const sb_value *value,
                         void *into) {
    static const char *const versions[] = {"2.0", NULL};
    (void)into;
    sb_check_word(check, place, value, versions);
}

static void read_method(sb_check *check, const sb_place *place, const sb_value *value, void *into) {
    sb_greeting *greeting = into;
    greeting->method = sb_check_string(check, place, value, false);
    if (greeting->method && sb_control_reserves(greeting->method))
        sb_check_error(check, place, "methods that begin with stdio_bus/ are for the bus itself");
}

static bool is_whole(const char *number) {
    return strspn(number + (number[0] == '-'), "0123456789") == strlen(number + (number[0] == '-'));
}

/* The bus compares the id of an answer with it, in the form of sb_id_key(). */
static void read_id(sb_check *check, const sb_place *place, const sb_value *value, void *into) {
    sb_text id = {0};
    if (value->type == SB_VALUE_NUMBER && is_whole(value->text)) {
        sb_text_put(&id, value->text);
    } else if (value->type == SB_VALUE_STRING) {
        char *text = sb_check_string(check, place, value, true);
        if (!text)
            return;
        sb_text_put(&id, "\"");
        sb_text_put(&id, text);
        sb_text_put(&id, "\"");
        free(text);
    } else {
        sb_check_error(check, place, "expected a string or a whole number, found %s",
                       value->type == SB_VALUE_NUMBER ? value->text
                                                      : sb_value_type_name(value->type));
        return;
    }
    if (id.failed)
        sb_check_error(check, place, "out of memory");
    else
        ((sb_greeting *)into)->id = id.p;
}

static void read_params(sb_check *check, const sb_place *place, const sb_value *value, void *into) {
    (void)into;
    if (value->type != SB_VALUE_OBJECT && value->type != SB_VALUE_ARRAY)
        sb_check_error(check, place, "expected an object or an array, found %s",
                       sb_value_type_name(value->type));
}

static const sb_field greeting_fields[] = {
    {"jsonrpc", false, read_version},
    {"id", false, read_id},
    {"method", true, read_method},
    {"params", false, read_params},
};

static void put_member(sb_text *line, const sb_value *message, const char *key) {
    for (const sb_value *member = message->first; member; member = member->next) {
        if (!sb_value_is_member(member, key))
            continue;
        sb_text_key(line, key);
        sb_text_add(line, member->source.p, member->source.len);
    }
}

/* Of the members that JSON-RPC knows, in its order; each as it was written. */
static char *compose(sb_check *check, const sb_place *place, const sb_value *message) {
    sb_text line = {0};
    sb_text_put(&line, "{\"jsonrpc\":\"2.0\"");
    put_member(&line, message, "id");
    put_member(&line, message, "method");
    put_member(&line, message, "params");
    sb_text_put(&line, "}");
    if (line.failed) {
        sb_check_error(check, place, "out of memory");
        sb_text_free(&line);
        return NULL;
    }
    sb_json_join_lines(line.p, line.len);
    return line.p;
}

void sb_config_read_handshake(sb_check *check, const sb_place *place, const sb_value *value,
                              void *into) {
    sb_pool_config *pool = into;
    if (!sb_check_type(check, place, value, SB_VALUE_ARRAY) || !value->first)
        return;
    size_t count = 0;
    for (const sb_value *message = value->first; message; message = message->next)
        count++;
    pool->handshake = calloc(count, sizeof *pool->handshake);
    if (!pool->handshake) {
        sb_check_error(check, place, "out of memory");
        return;
    }
    pool->handshake_count = count;
    size_t index = 0;
    for (const sb_value *message = value->first; message; message = message->next, index++) {
        sb_place at = {place, NULL, 0, index};
        int errors = check->errors;
        sb_check_object(check, &at, message, greeting_fields,
                        sizeof greeting_fields / sizeof *greeting_fields, &pool->handshake[index]);
        if (check->errors == errors)
            pool->handshake[index].text = compose(check, &at, message);
    }
}

void sb_config_free_handshake(sb_pool_config *pool) {
    for (size_t i = 0; i < pool->handshake_count; i++) {
        free(pool->handshake[i].text);
        free(pool->handshake[i].method);
        free(pool->handshake[i].id);
    }
    free(pool->handshake);
}
