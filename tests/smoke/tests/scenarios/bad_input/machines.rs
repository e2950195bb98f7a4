//! Calls that name what is not there, or that a machine's state does not allow.

use smoke::on_plain;

use super::table::Table;

#[test]
fn calls_that_cannot_be_done_leave_nothing() {
    on_plain(|host| {
        host.with_guests();
        let mut table = Table::new(host);
        for (what, line, code) in [
            ("an unknown image", "vm create --name box --image missing", 1),
            ("an unknown kernel", "vm create --name box --kernel missing --no-start", 1),
            ("a copy to no machine", "vm cp /etc/hostname missing:/", 1),
            ("a command in no machine", "vm exec missing -- true", 125),
            ("a shell in no machine", "vm ssh missing", 125),
            ("a machine of a name that cannot be", "vm show UPPER", 1),
        ] {
            table.refused(what, line, code);
        }
        for command in
            ["start", "stop", "restart", "kill", "delete", "show", "stats", "health", "ping", "logs", "ports"]
        {
            table.refused("no machine", &format!("vm {command} missing"), 1);
        }

        let create = |name| ["vm", "create", "--no-start", "--image", "debian-small", "--name", name];
        host.banger(create("box-one")).run().ok();
        host.banger(create("box-two")).run().ok();
        table.settled();
        for (what, line, code) in [
            ("a name that is taken", "vm create --no-start --image debian-small --name box-one", 1),
            ("a prefix of two", "vm show box", 1),
            ("a prefix of two", "vm delete box", 1),
            ("a command in a machine that does not run", "vm exec box-one -- true", 125),
            ("a shell in a machine that does not run", "vm ssh box-one", 125),
            ("a copy to a machine that does not run", "vm cp /etc/hostname box-one:/", 3),
            ("a signal to a machine that does not run", "vm kill box-one", 3),
            ("the ports of a machine that does not run", "vm ports box-one", 3),
            ("a smaller disk", "vm set --disk-size 64M box-one", 2),
            ("an image that is in use", "image delete debian-small", 3),
            ("an image of a name that cannot be", "image promote box-one ../x", 2),
        ] {
            table.refused(what, line, code);
        }
        table.is("calls_that_cannot_be_done");
        host.banger(["vm", "delete", "box-one", "box-two"]).run().ok();
    });
}
