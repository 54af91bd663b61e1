/* The inventory: what a disk really holds, so that no message can vanish unseen.
 *
 * It reads the disk's files anew and trusts nothing that a running server keeps in memory. */
#pragma once

#include "store/disk.h"

/* Writes a store.inventory record for each file of the spool that no crash explains, then for each
 * message and recipient not done in the spool, in order of arrival, then for each message in a
 * mailbox by user, folder's UIDVALIDITY and UID; there the recipient is the user's name. */
void store_inventory(const Disk *disk, Trace *trace, NodeId host, bool is_final);
