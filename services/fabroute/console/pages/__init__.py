"""What pages show, a module for each screen: frozen view models, made of what services return, without any I/O."""
