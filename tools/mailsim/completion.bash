# Completion of mailsim's commands and options for bash. tools/check/install.py holds it against the
# program's own --help.
_mailsim()
{
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "run check test torture explain view live states --help --version" -- "$word"))
        return
    fi
    case $before in
    --level) words="mail protocol segment" ;;
    --form) words="ladder list" ;;
    --until | --seed | --max-events | --follow | --fault | --seeds | --jobs | --sample | --port | --deliver | --speed) return ;;
    esac
    if [ -z "$words" ] && [[ $word == -* ]]; then
        case ${COMP_WORDS[1]} in
        run) words="--level --follow --form --unfolded --unicode --until --seed --max-events --quiet --trace --facts --fault --audit --inputs --html --pcap --pcap-at --svg --mermaid --digest" ;;
        torture) words="--seeds --jobs --crashes --sample --stop --whole --output" ;;
        view) words="--output --level --no-open" ;;
        live) words="--port --deliver --speed --record --level --seed --quiet --trace --facts --digest" ;;
        check) words="--full" ;;
        states) words="--dot" ;;
        esac
        words="$words --help"
    elif [ -z "$words" ] && [ "${COMP_WORDS[1]}" = states ]; then
        words=$(mailsim states 2>/dev/null | awk '{print $1}')
    fi
    if [ -n "$words" ]; then
        COMPREPLY=($(compgen -W "$words" -- "$word"))
    else
        compopt -o filenames
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}
complete -F _mailsim mailsim
