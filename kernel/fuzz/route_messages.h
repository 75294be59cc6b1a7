// route_messages.h: the messages that puppets send, each different in one of the ways that matter
// to the router.
#ifndef ROUTE_MESSAGES_H
#define ROUTE_MESSAGES_H

#include "route_ledger.h"
#include "script.h"

// A request or notification with its number in its params; shape, id and the rest are the script's
// choice. Fills in the message's id and whether it is a request.
std::string ComposeMessage(Script *script, uint64_t number, Message *message);
// An answer with the number of what it answers in its result.
// Puts a route before a message of a connection that may do that; `annotated`: whether it takes
// effect. True when it cannot be meant so, and the message is refused.
bool PutBeside(Script *script, bool annotated, Message *message);
// A request or notification to the bus itself, of those that change something.
std::string ComposeBusRequest(Script *script, Message *message);
std::string AnswerTo(const Given &given, size_t shape);

#endif
