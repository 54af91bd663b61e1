/* Names that are broken on purpose, or changed, and the record that did it to each: so that the
 * trace can say why a look-up failed. It decides nothing; the name server's zone does. */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct NameFaults NameFaults;

NameFaults *name_faults_new(void);
void name_faults_free(NameFaults *faults);
/* `because` is the seq of the record (level MAIL) that broke the name; 0 mends it. */
void name_faults_set(NameFaults *faults, const char *name, uint64_t because);
/* The record that broke the name, or 0 when it is whole. */
uint64_t name_faults_find(const NameFaults *faults, const char *name);
/* The record that broke the name last, mended or not: a cache may know the failure still. Or 0. */
uint64_t name_faults_find_last(const NameFaults *faults, const char *name);
/* `because` is the seq of the record (level MAIL) that gave the name other records; 0: it has again
 * those that it had at first. */
void name_faults_change(NameFaults *faults, const char *name, uint64_t because);
/* The record that did so last, or 0. */
uint64_t name_faults_find_change(const NameFaults *faults, const char *name);
