# Completes p2pnode in fish: p2pnode completion fish | source
function __p2pnode_complete
	set -l line (commandline -opc) (commandline -ct)
	command $line[1] completion words $line[2..-1] 2>/dev/null
end
complete -c p2pnode -a '(__p2pnode_complete)'
