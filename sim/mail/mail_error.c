/* Wrong input from a person. See mail_error.h. */
#include "mail/mail_error.h"

#include <stdarg.h>

GQuark mail_error_quark(void)
{
    return g_quark_from_static_string("mailsim-mail");
}

bool mail_error(GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (error != NULL)
        *error = g_error_new_valist(mail_error_quark(), 0, format, arguments);
    va_end(arguments);
    return false;
}
